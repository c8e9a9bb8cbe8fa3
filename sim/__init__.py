"""What runs inside the simulator, and its launcher. Reads an emitted folder and arrays, nothing else of hwgen."""
