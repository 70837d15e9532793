"""One TLS connection and what its server showed: for tests that care which connection is used."""

import http.client
import json
import socket
import ssl

from cryptography import x509


class Line:
    """Trusts the CA alone. The host is an address or a name; either is checked. `address` is the client's own."""

    def __init__(self, port, ca, name="127.0.0.1", address="127.0.0.1"):
        context = ssl.create_default_context(cafile=ca)
        self.http = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=240)
        tcp = socket.create_connection(("127.0.0.1", port), 240, (address, 0))
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as http.client does on its own connections
        # The address of the connection, with the name that the certificate has to have.
        self.http.sock = context.wrap_socket(tcp, server_hostname=name)
        self.http.auto_open = 0  # no second connection behind the test's back
        self.chain = [ssl.DER_cert_to_PEM_cert(der) for der in self.http.sock.get_unverified_chain()]
        self.leaf = x509.load_pem_x509_certificate(self.chain[0].encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def begin(self, method, path, body=None, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http.request(method, path, None if body is None else json.dumps(body), headers)

    def end(self):
        response = self.http.getresponse()
        return response.status, json.loads(response.read())

    def ask(self, method, path, body=None, token=None):
        self.begin(method, path, body, token)
        return self.end()
