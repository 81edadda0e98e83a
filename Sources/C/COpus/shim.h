#pragma once
#include <opus/opus.h>

// opus_encoder_ctl is variadic and does not reach Swift.
static inline int assay_opus_set(OpusEncoder *encoder, int request, opus_int32 value) {
  return opus_encoder_ctl(encoder, request, value);
}
