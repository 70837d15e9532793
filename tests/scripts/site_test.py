"""The port of a site that is started and stopped while others use the machine."""

import socket
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import gimssite


class PortTest(unittest.TestCase):
    def test_no_outgoing_connection_comes_to_have_it(self):
        least, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
        self.assertLess(max(gimssite.PORTS), least)
        number, held = gimssite.take_port()
        self.addCleanup(held.close)
        self.assertIn(number, gimssite.PORTS)
        with socket.create_server(("127.0.0.1", number)):
            pass

    def test_two_sites_have_two(self):
        taken = [gimssite.take_port() for _ in range(200)]
        for _, held in taken:
            self.addCleanup(held.close)
        self.assertEqual(len({number for number, _ in taken}), len(taken))

    def test_what_somebody_listens_at_is_left_alone(self):
        number, held = gimssite.take_port()
        held.close()
        with socket.create_server(("127.0.0.1", number)):
            ports, gimssite.PORTS = gimssite.PORTS, range(number, number + 1)
            try:
                with self.assertRaises(gimssite.supervise.Failed):
                    gimssite.take_port()
            finally:
                gimssite.PORTS = ports


if __name__ == "__main__":
    unittest.main()
