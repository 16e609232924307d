"""What people do: policy, people, holds, erasures, corrections, stores."""
