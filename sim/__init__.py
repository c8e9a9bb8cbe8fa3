"""The simulation's launcher, and what runs inside it. Reads an emitted folder and arrays, nothing else of hwgen."""
