"""What the lessons ask of their readers, a file a lesson. A notebook has `from checks.lesson_01 import ...`."""
