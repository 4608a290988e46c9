"""Notes in memory: the twin of the PostgreSQL store, for tests and for trying things out."""

from collections.abc import Mapping

from queue_server.core.ids import BranchId, Day


class MemoryNotes:
    """Keeps notes in a dictionary and loses them with the process."""

    def __init__(self) -> None:
        self._notes: dict[tuple[BranchId, str], tuple[Day, str]] = {}

    async def keep(self, branch_id: BranchId, note_id: str, day: Day, text: str) -> None:
        """Keep *text* under a new *note_id*."""
        self._notes[branch_id, note_id] = (day, text)

    async def find(self, branch_id: BranchId, note_id: str) -> str | None:
        """Return the text; None when there is none."""
        found = self._notes.get((branch_id, note_id))
        return None if found is None else found[1]

    async def remove(self, branch_id: BranchId, note_id: str) -> bool:
        """Delete the text; False when there was none."""
        return self._notes.pop((branch_id, note_id), None) is not None

    async def forget(self, since: Mapping[BranchId, Day], limit: int) -> int:
        """Delete the texts of days before *since*, at most *limit*."""
        old = [key for key, (day, _) in self._notes.items() if key[0] in since and day < since[key[0]]][:limit]
        for key in old:
            del self._notes[key]
        return len(old)
