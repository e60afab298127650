"""One highly available `/jobs` for many Orthanc DICOM servers."""

__version__ = "0.1.0"
