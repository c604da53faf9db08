"""What tests share: real processes on loopback ports, a remote-write client, protobuf messages."""
