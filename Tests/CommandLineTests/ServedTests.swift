// What runs against a served SFU in real time.

import Testing

/// One at a time, and by `check` apart from all others, since each needs what the machine has.
@Suite(.serialized) enum ServedTests {}
