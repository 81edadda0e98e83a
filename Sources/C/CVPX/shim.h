#pragma once
#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

// vpx_codec_control is variadic, and a packet's payload sits in a union: neither reaches Swift.
static inline vpx_codec_err_t assay_vpx_control(vpx_codec_ctx_t *context, int id, int value) {
  return vpx_codec_control_(context, id, value);
}

static inline const void *assay_vpx_frame(const vpx_codec_cx_pkt_t *packet, size_t *size) {
  if (packet->kind != VPX_CODEC_CX_FRAME_PKT) return NULL;
  *size = packet->data.frame.sz;
  return packet->data.frame.buf;
}

static inline int assay_vpx_is_keyframe(const vpx_codec_cx_pkt_t *packet) {
  return (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
}

static inline vpx_codec_err_t assay_vpx_enc_init(
    vpx_codec_ctx_t *context, vpx_codec_iface_t *interface, const vpx_codec_enc_cfg_t *config) {
  return vpx_codec_enc_init(context, interface, config, 0);
}

static inline vpx_codec_err_t assay_vpx_dec_init(
    vpx_codec_ctx_t *context, vpx_codec_iface_t *interface, const vpx_codec_dec_cfg_t *config) {
  return vpx_codec_dec_init(context, interface, config, 0);
}

enum {
  ASSAY_VP8_NO_REF_LAST = VP8_EFLAG_NO_REF_LAST,
  ASSAY_VP8_NO_REF_GOLDEN = VP8_EFLAG_NO_REF_GF,
  ASSAY_VP8_NO_REF_ALTREF = VP8_EFLAG_NO_REF_ARF,
  ASSAY_VP8_NO_UPDATE_LAST = VP8_EFLAG_NO_UPD_LAST,
  ASSAY_VP8_NO_UPDATE_GOLDEN = VP8_EFLAG_NO_UPD_GF,
  ASSAY_VP8_NO_UPDATE_ALTREF = VP8_EFLAG_NO_UPD_ARF,
  ASSAY_VP8_NO_UPDATE_ENTROPY = VP8_EFLAG_NO_UPD_ENTROPY,
  ASSAY_FORCE_KEYFRAME = VPX_EFLAG_FORCE_KF,
};
