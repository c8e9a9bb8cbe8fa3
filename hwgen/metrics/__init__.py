"""Image quality: PSNR, SSIM."""
