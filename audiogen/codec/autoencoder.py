"""One level of the codec: encoder, quantizer and decoder, whole or chunk by chunk."""

from torch import Tensor, nn

from audiogen.codec.chunks import chunks_of, decoder_margin, encoder_margin, layers_of
from audiogen.codec.config import CodecConfig
from audiogen.codec.convolution import StackSettings
from audiogen.codec.decoder import Decoder
from audiogen.codec.encoder import Encoder
from audiogen.codec.quantizer import Quantized, Quantizer


class Autoencoder(nn.Module):
    """One level: encoder, quantizer, decoder."""

    def __init__(self, config: CodecConfig, level: int) -> None:
        super().__init__()
        self.hop_length = config.hop_lengths[level]
        depth = config.depth * config.depth_multipliers[level]
        shape = (
            config.channels,
            config.codebook_dim,
            config.width * config.width_multipliers[level],
            depth,
            config.num_downsamplings[: level + 1],
            config.strides[: level + 1],
        )
        stack: StackSettings = {
            "dilation_growth": config.dilation_growth,
            "dilation_cycle": config.dilation_cycle,
            "residual_scale": depth**-0.5 if config.residual_scale else 1.0,
            "hidden_multiplier": config.hidden_multiplier,
            "zero_init": config.zero_init,
            "checkpointing": config.checkpointing,
        }
        self.encoder = Encoder(*shape, **stack)
        self.quantizer = Quantizer(
            config.codebook_size, config.codebook_dim, config.ema_decay, config.restart_threshold
        )
        stack = {**stack, "reverse_dilation": config.reverse_decoder_dilation}
        self.decoder = Decoder(*shape, **stack)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor, Quantized]:
        """Map (batch, channel, sample) to the reconstruction, the latent and what it became."""
        latent = self.encoder(waveform)
        quantized = self.quantizer(latent)
        return self.decoder(quantized.latent), latent, quantized

    def encode_(self, waveform: Tensor, codes: Tensor, chunk_frames: int) -> None:
        """Fill `codes` (batch, frame) from `waveform` (batch, channel, sample), chunk by chunk."""
        margin = encoder_margin(layers_of(self.encoder), self.hop_length)
        num_frames = codes.shape[1]
        for start, end, padded_start, padded_end in chunks_of(num_frames, chunk_frames, margin):
            # At the end of the file the samples of the unfinished last frame belong to it.
            stop = None if padded_end == num_frames else padded_end * self.hop_length
            piece = waveform[..., padded_start * self.hop_length : stop]
            latent = self.encoder(piece.to(self.quantizer.codebook.device))
            kept = latent[..., start - padded_start : end - padded_start]
            codes[:, start:end] = self.quantizer.encode(kept)

    def decode_(self, codes: Tensor, waveform: Tensor, chunk_frames: int) -> None:
        """Fill `waveform` (batch, channel, sample) from `codes` (batch, frame), chunk by chunk."""
        margin = decoder_margin(layers_of(self.decoder), self.hop_length)
        hop = self.hop_length
        for start, end, padded_start, padded_end in chunks_of(codes.shape[1], chunk_frames, margin):
            piece = codes[:, padded_start:padded_end].to(self.quantizer.codebook.device)
            sound = self.decoder(self.quantizer.lookup(piece))
            kept = sound[..., (start - padded_start) * hop : (end - padded_start) * hop]
            waveform[..., start * hop : end * hop] = kept
