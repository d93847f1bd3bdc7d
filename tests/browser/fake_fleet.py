"""The scripted fleet behind the real web server: fake_fleet_server.cpp says which commands it knows."""

import os
import subprocess


class FakeFleet:
    def __init__(self, port: int = 0):
        self.process = subprocess.Popen([os.environ["LM_FAKE_FLEET_SERVER"], str(port)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self._answer()
        assert line.startswith("dashboard address="), line
        self.address = line.removeprefix("dashboard address=")

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    def tell(self, *commands: str) -> None:
        """Each command is published as a change of its own before this returns."""
        assert self.process.stdin is not None
        for command in commands:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            assert self._answer() == "ok", command

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")


def client_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"
