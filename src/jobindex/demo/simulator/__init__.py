"""An Orthanc without images: its jobs engine, its REST API and its plugins, to be scripted and broken."""

from jobindex.demo.simulator.engine import Pace
from jobindex.demo.simulator.simulator import REAL_TIME, Simulator

__all__ = ["REAL_TIME", "Pace", "Simulator"]
