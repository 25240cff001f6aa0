"""The evaluation kit: any method's videos in, numbers with their intervals out; resumable, and clear about what compares."""
