// Pseudo-random numbers for the source's and the sink's pauses: Marsaglia's xorshift, 64 bits, period 2^64 - 1.

package hwgen_random;
  // The state after `x`, which must not be zero.
  function automatic logic [63:0] next(input logic [63:0] x);
    x = x ^ (x << 13);
    x = x ^ (x >> 7);
    return x ^ (x << 17);
  endfunction
endpackage
