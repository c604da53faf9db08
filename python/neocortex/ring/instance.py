"""Members of a ring. Source: Cortex's `ring.proto` and `pkg/ring/model.go`."""

from dataclasses import dataclass, field
from enum import IntEnum


class InstanceState(IntEnum):
    """State of a member; the numbers are those of the protobuf enum."""

    ACTIVE = 0
    LEAVING = 1
    PENDING = 2
    JOINING = 3
    LEFT = 4
    READONLY = 5


@dataclass(slots=True)
class Instance:
    """One member. Times in seconds since the epoch; tokens sorted, 32 bits each."""

    id: str
    address: str
    state: InstanceState = InstanceState.PENDING
    zone: str = ""
    heartbeat_s: int = 0
    registered_s: int = 0
    tokens: list[int] = field(default_factory=list)

    def is_healthy(self, now_s: float, heartbeat_timeout_s: float) -> bool:
        """True while its last heartbeat is young enough; a timeout of 0 switches the check off."""
        return heartbeat_timeout_s == 0 or now_s - self.heartbeat_s <= heartbeat_timeout_s
