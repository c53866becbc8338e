"""The companion app: `streamlit run app.py`, or `hookpoint start`, which opens it beside the notebooks."""

from hookpoint.app.main import main

main()
