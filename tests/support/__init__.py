"""What tests share: servers, clients, programs and checks. Nothing else stands beside the tests."""
