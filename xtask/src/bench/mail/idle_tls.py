"""Opens so many IMAP connections under TLS, leaves all of them in IDLE, says "ready" and waits to be ended."""
import socket, ssl, sys, time
port, count, password, users = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE  # a benchmark on loopback; who answers is known
held = []


def ask(connection, command, end):
    connection.sendall(command)
    answer = b""
    while end not in answer:
        octets = connection.recv(65536)
        if not octets:
            sys.exit(f"hung up after {command!r}")
        answer += octets


for number in range(count):
    connection = context.wrap_socket(socket.create_connection(("127.0.0.1", port)))
    user = users[number % len(users)]
    ask(connection, b"", b"* OK")
    ask(connection, f"a LOGIN {user} {password}\r\n".encode(), b"a OK")
    ask(connection, b"b SELECT INBOX\r\n", b"b OK")
    ask(connection, b"c IDLE\r\n", b"+ ")
    held.append(connection)
print("ready", flush=True)
time.sleep(120)
