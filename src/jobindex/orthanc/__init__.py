"""The only room that knows Orthanc: its REST API, its forms, its headers."""
