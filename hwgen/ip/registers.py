"""Addresses, fields and masks of the registers of an hwgen IP. Generated from registers.rdl; needs nothing of hwgen."""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """Bits `low` .. `low + width - 1` of a register.

    access : "r" the design gives it; "rw" it keeps what is written; "w1c" a 1 stays until a 1 is written; "pulse" a 1
        that is written lasts one cycle, it reads 0
    reset : its value then; None where the design gives it all the time
    """

    name: str
    low: int
    width: int
    access: str
    reset: int | None


class Register(NamedTuple):
    """A 32-bit word at a byte address."""

    name: str
    address: int
    fields: tuple[Field, ...]


class Memory(NamedTuple):
    """32-bit words from a byte address on, which can be written and read 0."""

    name: str
    address: int
    words: int


ID = 0x000
VERSION = 0x004
VERSION_MINOR = 0x0000FFFF
VERSION_MINOR_LOW = 0
VERSION_MAJOR = 0xFFFF0000
VERSION_MAJOR_LOW = 16
MODEL_HASH = 0x008
CAPABILITIES = 0x00C
CAPABILITIES_RECEIVER = 0x00000001
CAPABILITIES_RECEIVER_LOW = 0
CAPABILITIES_PACKED = 0x00000002
CAPABILITIES_PACKED_LOW = 1
CAPABILITIES_PROFILE = 0x00000004
CAPABILITIES_PROFILE_LOW = 2
CAPABILITIES_COEFFICIENTS = 0x00000008
CAPABILITIES_COEFFICIENTS_LOW = 3
CAPABILITIES_GAIN = 0x00000010
CAPABILITIES_GAIN_LOW = 4
CAPABILITIES_CLOCKS = 0x00000020
CAPABILITIES_CLOCKS_LOW = 5
CAPABILITIES_CHANNELS = 0x00000300
CAPABILITIES_CHANNELS_LOW = 8
CAPABILITIES_BEAT_BYTES = 0x001F0000
CAPABILITIES_BEAT_BYTES_LOW = 16
FRAME = 0x010
FRAME_WIDTH = 0x0000FFFF
FRAME_WIDTH_LOW = 0
FRAME_HEIGHT = 0xFFFF0000
FRAME_HEIGHT_LOW = 16
INPUT_BYTES = 0x014
OUTPUT_BYTES = 0x018
COEFFICIENT_WORDS = 0x01C
CONTROL = 0x020
CONTROL_ENABLE = 0x00000001
CONTROL_ENABLE_LOW = 0
CONTROL_SOFT_RESET = 0x00000002
CONTROL_SOFT_RESET_LOW = 1
CONTROL_FREEZE = 0x00000004
CONTROL_FREEZE_LOW = 2
CONTROL_CLEAR = 0x00000008
CONTROL_CLEAR_LOW = 3
CONTROL_COMMIT = 0x00000010
CONTROL_COMMIT_LOW = 4
STATUS = 0x024
STATUS_INPUT_FRAME = 0x00000001
STATUS_INPUT_FRAME_LOW = 0
STATUS_OUTPUT_FRAME = 0x00000002
STATUS_OUTPUT_FRAME_LOW = 1
STATUS_COMMITTED = 0x00000004
STATUS_COMMITTED_LOW = 2
STATUS_IRQ = 0x00000008
STATUS_IRQ_LOW = 3
IRQ_ENABLE = 0x028
IRQ_ENABLE_FRAME_OUT = 0x00000001
IRQ_ENABLE_FRAME_OUT_LOW = 0
IRQ_ENABLE_FRAME_IN = 0x00000002
IRQ_ENABLE_FRAME_IN_LOW = 1
IRQ_ENABLE_FRAME_ERROR = 0x00000004
IRQ_ENABLE_FRAME_ERROR_LOW = 2
IRQ_ENABLE_LENGTH_ERROR = 0x00000008
IRQ_ENABLE_LENGTH_ERROR_LOW = 3
IRQ_STATUS = 0x02C
IRQ_STATUS_FRAME_OUT = 0x00000001
IRQ_STATUS_FRAME_OUT_LOW = 0
IRQ_STATUS_FRAME_IN = 0x00000002
IRQ_STATUS_FRAME_IN_LOW = 1
IRQ_STATUS_FRAME_ERROR = 0x00000004
IRQ_STATUS_FRAME_ERROR_LOW = 2
IRQ_STATUS_LENGTH_ERROR = 0x00000008
IRQ_STATUS_LENGTH_ERROR_LOW = 3
FRAMES_IN = 0x030
FRAMES_OUT = 0x034
FRAME_ERRORS = 0x038
LENGTH_ERRORS = 0x03C
CYCLES = 0x040
INPUT_BUSY = 0x044
INPUT_STALLED = 0x048
INPUT_STARVED = 0x04C
OUTPUT_BUSY = 0x050
OUTPUT_STALLED = 0x054
OUTPUT_STARVED = 0x058
PROFILE = 0x080
PROFILE_VALUE = 0x000000FF
PROFILE_VALUE_LOW = 0
PROFILES = 0x084
GAIN = 0x088
GAIN_SHIFT = 0x08C
COEFFICIENTS = 0x400

REGISTERS = (
    Register("ID", 0x000, (
        Field("value", 0, 32, "r", 0x4857474e),
    )),
    Register("VERSION", 0x004, (
        Field("minor", 0, 16, "r", 0x0),
        Field("major", 16, 16, "r", 0x1),
    )),
    Register("MODEL_HASH", 0x008, (
        Field("value", 0, 32, "r", None),
    )),
    Register("CAPABILITIES", 0x00C, (
        Field("receiver", 0, 1, "r", None),
        Field("packed", 1, 1, "r", None),
        Field("profile", 2, 1, "r", None),
        Field("coefficients", 3, 1, "r", None),
        Field("gain", 4, 1, "r", None),
        Field("clocks", 5, 1, "r", None),
        Field("channels", 8, 2, "r", None),
        Field("beat_bytes", 16, 5, "r", None),
    )),
    Register("FRAME", 0x010, (
        Field("width", 0, 16, "r", None),
        Field("height", 16, 16, "r", None),
    )),
    Register("INPUT_BYTES", 0x014, (
        Field("value", 0, 32, "r", None),
    )),
    Register("OUTPUT_BYTES", 0x018, (
        Field("value", 0, 32, "r", None),
    )),
    Register("COEFFICIENT_WORDS", 0x01C, (
        Field("value", 0, 32, "r", None),
    )),
    Register("CONTROL", 0x020, (
        Field("enable", 0, 1, "rw", 0x0),
        Field("soft_reset", 1, 1, "rw", 0x0),
        Field("freeze", 2, 1, "rw", 0x0),
        Field("clear", 3, 1, "pulse", 0x0),
        Field("commit", 4, 1, "pulse", 0x0),
    )),
    Register("STATUS", 0x024, (
        Field("input_frame", 0, 1, "r", None),
        Field("output_frame", 1, 1, "r", None),
        Field("committed", 2, 1, "r", None),
        Field("irq", 3, 1, "r", None),
    )),
    Register("IRQ_ENABLE", 0x028, (
        Field("frame_out", 0, 1, "rw", 0x0),
        Field("frame_in", 1, 1, "rw", 0x0),
        Field("frame_error", 2, 1, "rw", 0x0),
        Field("length_error", 3, 1, "rw", 0x0),
    )),
    Register("IRQ_STATUS", 0x02C, (
        Field("frame_out", 0, 1, "w1c", 0x0),
        Field("frame_in", 1, 1, "w1c", 0x0),
        Field("frame_error", 2, 1, "w1c", 0x0),
        Field("length_error", 3, 1, "w1c", 0x0),
    )),
    Register("FRAMES_IN", 0x030, (
        Field("value", 0, 32, "r", None),
    )),
    Register("FRAMES_OUT", 0x034, (
        Field("value", 0, 32, "r", None),
    )),
    Register("FRAME_ERRORS", 0x038, (
        Field("value", 0, 32, "r", None),
    )),
    Register("LENGTH_ERRORS", 0x03C, (
        Field("value", 0, 32, "r", None),
    )),
    Register("CYCLES", 0x040, (
        Field("value", 0, 32, "r", None),
    )),
    Register("INPUT_BUSY", 0x044, (
        Field("value", 0, 32, "r", None),
    )),
    Register("INPUT_STALLED", 0x048, (
        Field("value", 0, 32, "r", None),
    )),
    Register("INPUT_STARVED", 0x04C, (
        Field("value", 0, 32, "r", None),
    )),
    Register("OUTPUT_BUSY", 0x050, (
        Field("value", 0, 32, "r", None),
    )),
    Register("OUTPUT_STALLED", 0x054, (
        Field("value", 0, 32, "r", None),
    )),
    Register("OUTPUT_STARVED", 0x058, (
        Field("value", 0, 32, "r", None),
    )),
    Register("PROFILE", 0x080, (
        Field("value", 0, 8, "rw", 0x0),
    )),
    Register("PROFILES", 0x084, (
        Field("value", 0, 32, "r", None),
    )),
    Register("GAIN", 0x088, (
        Field("value", 0, 32, "r", None),
    )),
    Register("GAIN_SHIFT", 0x08C, (
        Field("value", 0, 32, "r", None),
    )),
)  # fmt: skip
MEMORIES = (
    Memory("COEFFICIENTS", 0x400, 256),
)
