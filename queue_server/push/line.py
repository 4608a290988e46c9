"""A screen's connection as the hub writes to it: without waiting, and each message packed once for all."""

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN


class Packing:
    """Messages as they go over the wire: one that many screens are sent in a row is packed once."""

    def __init__(self) -> None:
        self.message = self.packed = b""

    def pack(self, message: bytes) -> bytes:
        """Return *message*, which is another than the last, as a whole and unmasked text frame."""
        self.message, self.packed = message, Frame(Opcode.TEXT, message).serialize(mask=False)
        return self.packed


class Line:
    """
    A connection as the hub writes to it.

    Frames go past the library's protocol object, whose state they would not change: none is fragmented, masked or compressed. It
    is only asked whether the connection is open.
    """

    __slots__ = ("_packing", "_protocol", "_transport", "_write", "buffered")

    def __init__(self, connection: ServerConnection, packing: Packing) -> None:
        self._protocol = connection.protocol
        self._transport = connection.transport
        self._packing = packing
        self._write = connection.transport.write
        self.buffered = connection.transport.get_write_buffer_size

    def send(self, frame: bytes) -> None:
        """Write a text message without waiting."""
        if self._protocol.state is OPEN:
            packing = self._packing
            self._write(packing.packed if frame is packing.message else packing.pack(frame))

    def drop(self) -> None:
        """End the connection without a word: the other side would not read it."""
        self._transport.abort()
