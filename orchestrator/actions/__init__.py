"""What an operator asks for, a room for each subject. Actions decide and store; they print and ask
nothing.
"""
