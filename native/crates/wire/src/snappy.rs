//! The snappy block format, with the size checked before memory is asked for.
//!
//! Source: Cortex's `pkg/util/http.go` (order of the checks and texts) and the snappy format description.

use crate::error::DecodeError;

/// No element of the format makes more than 64 bytes of fewer than 3, so a longer claim is a lie.
const MAX_EXPANSION: usize = 22;

/// Unpacks a body.
///
/// # Errors
/// [`DecodeError::TooLarge`] when the body or what it claims to hold has more than `max_size` bytes,
/// [`DecodeError::SnappyCorrupt`] when it cannot be unpacked; an empty body is corrupt.
pub fn decompress(body: &[u8], max_size: usize) -> Result<Vec<u8>, DecodeError> {
    if body.len() > max_size {
        return Err(DecodeError::TooLarge { size: body.len(), max: max_size });
    }
    if body.is_empty() {
        return Err(DecodeError::SnappyCorrupt);
    }
    let size = snap::raw::decompress_len(body).map_err(|_| DecodeError::SnappyCorrupt)?;
    if size > max_size {
        return Err(DecodeError::TooLarge { size, max: max_size });
    }
    if size / MAX_EXPANSION > body.len() {
        return Err(DecodeError::SnappyCorrupt);
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(|_| DecodeError::SnappyCorrupt)
}

/// Packs a body.
///
/// # Errors
/// [`DecodeError::TooLarge`] when it has 4 GiB or more, which the format cannot say.
pub fn compress(body: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let too_large = |_| DecodeError::TooLarge { size: body.len(), max: u32::MAX as usize };
    snap::raw::Encoder::new().compress_vec(body).map_err(too_large)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_lies_about_the_size_before_allocating() {
        // Claims 2^32 - 1 bytes.
        let lie = [0xff, 0xff, 0xff, 0xff, 0x0f, 0];
        let max = 100 << 20;
        assert_eq!(decompress(&lie, max), Err(DecodeError::TooLarge { size: 0xffff_ffff, max }));
        assert_eq!(decompress(&lie, usize::MAX), Err(DecodeError::SnappyCorrupt));
        assert_eq!(decompress(&[], max), Err(DecodeError::SnappyCorrupt));
        assert_eq!(decompress(b"plain text", max), Err(DecodeError::SnappyCorrupt));
        assert_eq!(decompress(&[0; 9], 8), Err(DecodeError::TooLarge { size: 9, max: 8 }));
        assert_eq!(decompress(&[0], max), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn unpacks_what_it_packed(body: Vec<u8>, repeat in 1usize..200) {
            let body = body.repeat(repeat);
            prop_assert_eq!(decompress(&compress(&body).unwrap(), usize::MAX).unwrap(), body);
        }

        #[test]
        fn garbage_is_an_error_or_bytes(body: Vec<u8>) {
            let _ = decompress(&body, 1 << 20);
        }
    }
}
