"""What Streamlit runs."""

from hookpoint.app.main import main

main()
