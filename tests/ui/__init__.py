"""JupyterLab with our extension in it, as a teacher and a student see it in their browsers."""
