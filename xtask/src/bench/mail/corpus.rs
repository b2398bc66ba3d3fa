//! Messages that are made, the same for the same seed: sizes, structures and words as office mail has them.
//!
//! Median about 10 KB, mean about 42 KB, one in six with an attachment, one in thirty of those above a megabyte; words by
//! Zipf's law over 30,000 pronounceable ones, so that an index has a dictionary to keep; threads, encoded words, a rare
//! word in 7 of 20,000 messages and one in a hundredth of them.

use super::random::Random;

/// In the body of 7 of every 20,000 messages, and nowhere else.
pub(crate) const RARE: &str = "xylozephyr";
/// A part of [`RARE`] that no other word has.
pub(crate) const PART_OF_RARE: &str = "lozephy";
/// Words that stand side by side in the messages with [`RARE`].
pub(crate) const PHRASE: &str = "code is xylozephyr indeed";
/// The commonest word: in nearly every body.
pub(crate) const COMMON: &str = "the";

const ONSETS: &str =
    "b c d f g h j k l m n p r s t v w z bl br ch cl cr dr fl fr gl gr pl pr qu sh sl sm sn sp st str sw th tr tw wh";
const NUCLEI: &str = "a e i o u ai ea ee ie oa oo ou au oi";
const CODAS: &str = "b ck d ft g l ll m mp n nd ng nt p r rd rk rm rt s ss st t tch th x";
const REAL: &str = "the of and to in is you that it he was for on are as with his they at be this have from or one had by word but not what all were we when your can said there use an each which she do how their if will up other about out many then them these so some her would make like him into time has look two more write go see number no way could people my than first water been call who oil its now find long down day did get come made may part meeting invoice schedule project deadline report attached please regards thanks budget quarter customer review contract team office update server deploy release ticket order shipment payment account request change approve draft agenda proposal question answer travel hotel flight booking receipt support issue error build test branch merge commit policy security password reset weekly monthly summary forecast revenue marketing campaign launch product design feedback manager director engineer interview candidate offer salary holiday leave sick family dinner weekend school children photo video link website download upload document spreadsheet presentation slide chart figure table";
const FIRST: &str = "Anna Bob Carla David Eva Frank Grace Hans Irene Jonas Karin Liam Maria Nils Olga Peter Quinn Rosa Sven Tina Ugo Vera Walter Xenia Yusuf Zoe";
const LAST: &str = "Meyer Smith Jansen Rossi Novak Kowalski Silva Tanaka Chen Okafor Larsen Dubois Garcia Ivanov Khan Nguyen Berg Fischer Moreau Santos";
const DOMAINS: [&str; 4] = ["example.com", "example.org", "corp.example", "lists.example.net"];
const MAILERS: [&str; 4] = ["Evolution 3.46", "Thunderbird 115", "Outlook 16.0", "mutt 2.2"];
const WORDS: usize = 30_000;

/// What makes messages.
pub(crate) struct Maker {
    random: Random,
    words: Vec<String>,
    /// The weights of the words, summed up.
    weights: Vec<f64>,
    people: Vec<(String, String)>,
    /// Ids and subjects of the last messages, to answer.
    before: Vec<(String, String)>,
    made: usize,
}

impl Maker {
    /// For this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let words = words(&mut random);
        let mut sum = 0.0;
        let weights = (0..words.len()).map(|rank| {
            sum += 1.0 / (rank as f64 + 2.7).powf(1.02);
            sum
        });
        let weights = weights.collect();
        let first: Vec<&str> = FIRST.split(' ').collect();
        let last: Vec<&str> = LAST.split(' ').collect();
        let people = (0..400).map(|number| {
            let (first, last) = (random.pick(&first), random.pick(&last));
            let address = format!("{}.{}{number}@{}", first.to_lowercase(), last.to_lowercase(), random.pick(&DOMAINS));
            (format!("{first} {last}"), address)
        });
        let people = people.collect();
        Self { random, words, weights, people, before: Vec::new(), made: 0 }
    }

    /// The next message as it goes over the wire, with CRLF. No line begins with a dot.
    pub(crate) fn message(&mut self) -> Vec<u8> {
        let number = self.made;
        self.made += 1;
        let mut text = self.header(number);
        // 7 of 20,000, evenly.
        let rare = number % 2857 == 1428;
        let draw = self.random.unit();
        let bytes = match draw < 0.85 {
            true => self.random.log_normal(8.75, 0.95).clamp(150.0, 80_000.0) as usize,
            false => self.random.log_normal(7.9, 0.8).clamp(150.0, 30_000.0) as usize,
        };
        let with_html = draw < 0.85 && self.random.unit() >= 0.45;
        let mut body = self.text(if with_html { bytes / 2 } else { bytes });
        if rare {
            body.push_str(&format!("\r\nThe {PHRASE}.\r\n"));
        }
        let boundary = format!("=_{:032x}", u128::from(self.random.next()) << 64 | u128::from(self.random.next()));
        let attached = draw >= 0.85;
        if attached {
            text.push_str(&format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n"));
        }
        if with_html {
            let inner = format!("{boundary}a");
            text.push_str(&format!("Content-Type: multipart/alternative; boundary=\"{inner}\"\r\n\r\n--{inner}\r\n"));
            push_text(&mut text, "plain", &body);
            text.push_str(&format!("--{inner}\r\n"));
            let paragraphs = body.split("\r\n\r\n").map(|part| format!("<p>{part}</p>\r\n")).collect::<String>();
            let html = format!("<html><head><style>p{{margin:1em}}</style></head><body>{paragraphs}</body></html>\r\n");
            push_text(&mut text, "html", &html);
            text.push_str(&format!("--{inner}--\r\n"));
        } else {
            push_text(&mut text, "plain", &body);
        }
        if attached {
            self.attachment(&mut text, &boundary);
        }
        text.into_bytes()
    }

    /// A message of about 0.9 KB.
    pub(crate) fn small_message(&mut self) -> Vec<u8> {
        let number = self.made;
        self.made += 1;
        let (from, to) = (self.person(), self.person());
        let (date, subject, id) = (date(number as u64 * 600), self.sentence(4), self.random.next());
        let mut text = format!(
            "Received: from a.example by b.example with ESMTP id {number:08x}; {date}\r\nFrom: {} <{}>\r\nTo: {} <{}>\r\n\
             Subject: {subject}\r\nDate: {date}\r\nMessage-ID: <s{number}.{id:x}@example.com>\r\nMIME-Version: 1.0\r\n",
            from.0, from.1, to.0, to.1
        );
        let body = self.text(500);
        push_text(&mut text, "plain", &body);
        text.into_bytes()
    }

    fn header(&mut self, number: usize) -> String {
        let (from, to) = (self.person(), self.person());
        let date = date(number as u64 * 3024 + self.random.below(600));
        let mut text = format!("Return-Path: <{}>\r\n", from.1);
        for hop in 0..1 + self.random.below(4) {
            let (host, id) = (1 + self.random.below(254), self.random.next());
            text.push_str(&format!(
                "Received: from mx{hop}.relay.example ([192.0.2.{host}]) by mx{}.relay.example\r\n with ESMTPS id {id:016x} for \
                 <{}>; {date}\r\n",
                hop + 1,
                to.1
            ));
        }
        if self.random.unit() < 0.6 {
            let (hash, signature) = (self.base64(32), self.base64(256));
            let signature =
                signature.as_bytes().chunks(70).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\r\n ");
            text.push_str(&format!(
                "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1;\r\n \
                 h=from:to:subject:date:message-id; bh={hash};\r\n b={signature}\r\n"
            ));
        }
        text.push_str(&format!("From: {} <{}>\r\nTo: {} <{}>", from.0, from.1, to.0, to.1));
        for _ in 0..self.random.below(5).saturating_sub(2) {
            let more = self.person();
            text.push_str(&format!(",\r\n {} <{}>", more.0, more.1));
        }
        text.push_str("\r\n");
        if self.random.unit() < 0.2 {
            let copied = self.person();
            text.push_str(&format!("Cc: {} <{}>\r\n", copied.0, copied.1));
        }
        let domain = from.1.split('@').nth(1).unwrap_or_default().to_owned();
        let id = format!("<{:016x}{:08x}@{domain}>", self.random.next(), self.random.next() as u32);
        text.push_str(&format!("Date: {date}\r\nMessage-ID: {id}\r\n"));
        let mut subject = if !self.before.is_empty() && self.random.unit() < 0.4 {
            let recent = &self.before[self.before.len().saturating_sub(200)..];
            let (parent, subject) = &recent[self.random.below(recent.len() as u64) as usize];
            text.push_str(&format!("In-Reply-To: {parent}\r\nReferences: {parent}\r\n"));
            if subject.starts_with("Re: ") { subject.clone() } else { format!("Re: {subject}") }
        } else {
            let words = 2 + self.random.below(7) as usize;
            self.sentence(words)
        };
        self.before.push((id, subject.clone()));
        if self.before.len() > 400 {
            self.before.drain(..200);
        }
        if self.random.unit() < 0.03 {
            subject.push_str(" =?utf-8?q?=C3=BCn=C3=AFc=C3=B6d=C3=A9?=");
        }
        text.push_str(&format!(
            "Subject: {subject}\r\nX-Mailer: {}\r\nMIME-Version: 1.0\r\n",
            self.random.pick(&MAILERS)
        ));
        text
    }

    fn attachment(&mut self, text: &mut String, boundary: &str) {
        let bytes = match self.random.unit() < 0.035 {
            true => 1_000_000 + self.random.below(1_000_000),
            false => self.random.log_normal(11.7, 0.9).clamp(3000.0, 900_000.0) as u64,
        };
        let bytes = bytes as usize * 3 / 4;
        let name = self.word().to_owned();
        text.push_str(&format!("--{boundary}\r\n"));
        if self.random.unit() < 0.25 {
            text.push_str(&format!("Content-Disposition: attachment; filename=\"{name}.txt\"\r\n"));
            let attached = self.text(bytes);
            push_text(text, "plain", &attached);
        } else {
            let kind = self.random.pick(&["pdf", "octet-stream", "zip"]);
            text.push_str(&format!(
                "Content-Type: application/{kind}\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; \
                 filename=\"{name}.pdf\"\r\n\r\n"
            ));
            let encoded = self.base64(bytes);
            for line in encoded.as_bytes().chunks(76) {
                text.push_str(&String::from_utf8_lossy(line));
                text.push_str("\r\n");
            }
        }
        text.push_str(&format!("--{boundary}--\r\n"));
    }

    fn person(&mut self) -> (String, String) {
        self.people[self.random.below(self.people.len() as u64) as usize].clone()
    }

    fn word(&mut self) -> &str {
        let wanted = self.random.unit() * self.weights.last().copied().unwrap_or_default();
        let at = self.weights.partition_point(|weight| *weight < wanted);
        &self.words[at.min(self.words.len() - 1)]
    }

    fn sentence(&mut self, words: usize) -> String {
        let mut text = String::new();
        for count in 0..words {
            let word = self.word();
            if count == 0 {
                text.extend(word.chars().next().map(|first| first.to_ascii_uppercase()));
                text.push_str(&word[1..]);
            } else {
                text.push(' ');
                text.push_str(word);
            }
        }
        text
    }

    /// Paragraphs of some octets in lines of 74.
    fn text(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 128);
        while text.len() < bytes.max(40) {
            let (mut width, mut left) = (0, 30 + self.random.below(90) as usize);
            while left > 0 {
                let words = (6 + self.random.below(13) as usize).min(left);
                left -= words;
                let sentence = self.sentence(words);
                for word in sentence.split(' ') {
                    if width + word.len() + 1 > 74 {
                        text.push_str("\r\n");
                        width = 0;
                    } else if width > 0 {
                        text.push(' ');
                        width += 1;
                    }
                    text.push_str(word);
                    width += word.len();
                }
                text.push(self.random.pick(&['.', '.', '.', '?', '!']));
                width += 1;
            }
            text.push_str("\r\n\r\n");
        }
        text
    }

    fn base64(&mut self, bytes: usize) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::with_capacity(bytes / 3 * 4 + 16);
        while text.len() < bytes / 3 * 4 {
            let mut bits = self.random.next();
            for _ in 0..10 {
                text.push(char::from(LETTERS[(bits & 63) as usize]));
                bits >>= 6;
            }
        }
        text.truncate(bytes / 3 * 4);
        text
    }
}

fn push_text(out: &mut String, subtype: &str, text: &str) {
    let encoding = if subtype == "html" { "quoted-printable" } else { "7bit" };
    out.push_str(&format!(
        "Content-Type: text/{subtype}; charset=\"utf-8\"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    ));
    out.push_str(text);
}

fn words(random: &mut Random) -> Vec<String> {
    let mut words: Vec<String> = REAL.split(' ').map(str::to_owned).collect();
    let mut seen: std::collections::HashSet<String> = words.iter().cloned().collect();
    let [onsets, nuclei, codas] = [ONSETS, NUCLEI, CODAS].map(|list| list.split(' ').collect::<Vec<_>>());
    while words.len() < WORDS {
        let mut word = String::new();
        for _ in 0..random.pick(&[1, 2, 2, 3]) {
            word.push_str(random.pick(&onsets[..]));
            word.push_str(random.pick(&nuclei[..]));
            if random.unit() < 0.5 {
                word.push_str(random.pick(&codas[..]));
            }
        }
        if word.len() > 2 && seen.insert(word.clone()) {
            words.push(word);
        }
    }
    words
}

/// So many seconds after 2024-01-01 08:00, as RFC 5322 writes it.
fn date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [(&str, u64); 12] = [
        ("Jan", 31),
        ("Feb", 28),
        ("Mar", 31),
        ("Apr", 30),
        ("May", 31),
        ("Jun", 30),
        ("Jul", 31),
        ("Aug", 31),
        ("Sep", 30),
        ("Oct", 31),
        ("Nov", 30),
        ("Dec", 31),
    ];
    let seconds = seconds + 8 * 3600;
    let (mut day, second) = (seconds / 86_400, seconds % 86_400);
    let weekday = DAYS[(day % 7) as usize];
    let mut year = 2024;
    let leap = |year: u64| u64::from(year.is_multiple_of(4));
    while day >= 365 + leap(year) {
        day -= 365 + leap(year);
        year += 1;
    }
    let mut month = 0;
    let length = |month: usize| MONTHS[month].1 + if month == 1 { leap(year) } else { 0 };
    while day >= length(month) {
        day -= length(month);
        month += 1;
    }
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{weekday}, {:02} {} {year} {hour:02}:{minute:02}:{:02} +0000", day + 1, MONTHS[month].0, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_is_as_it_should_be() {
        let (mut one, mut two) = (Maker::new(7), Maker::new(7));
        let messages: Vec<Vec<u8>> = (0..3000).map(|_| one.message()).collect();
        assert!(messages.iter().take(50).all(|message| *message == two.message()), "a seed gives the same mail");
        let mut sizes: Vec<usize> = messages.iter().map(Vec::len).collect();
        sizes.sort_unstable();
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!((7_000..14_000).contains(&sizes[1500]), "median {}", sizes[1500]);
        assert!((32_000..52_000).contains(&mean), "mean {mean}");
        let with =
            |word: &str| messages.iter().filter(|message| String::from_utf8_lossy(message).contains(word)).count();
        assert_eq!((with(RARE), with(PHRASE), with(PART_OF_RARE)), (1, 1, 1));
        for message in &messages {
            assert!(message.ends_with(b"\r\n") && !message.starts_with(b"."));
            assert!(!message.windows(3).any(|three| three == b"\r\n." || (three[0] != b'\r' && three[1] == b'\n')));
        }
    }

    #[test]
    fn dates_are_dates() {
        assert_eq!(date(0), "Mon, 01 Jan 2024 08:00:00 +0000");
        assert_eq!(date(59 * 86_400 + 3661), "Thu, 29 Feb 2024 09:01:01 +0000");
        assert_eq!(date(366 * 86_400), "Wed, 01 Jan 2025 08:00:00 +0000");
    }
}
