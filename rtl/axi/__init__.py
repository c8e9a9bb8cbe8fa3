"""AXI around a design: streams as a DMA has them, registers by AXI4-Lite. Components like those of `hwgen.rtl`."""
