"""Learning one policy: rollouts, returns, PPO. Knows nothing of populations."""
