"""What runs outside this process: custom resources, JVMs, and the only polling loop."""
