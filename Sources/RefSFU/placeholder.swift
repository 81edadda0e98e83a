// RefSFU
