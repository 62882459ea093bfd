"""Packaging of camtf: the game alone, and what more there is as extras.

Exact versions for development are in launch/requirements.txt; these are the ranges that work. `train` needs Python 3.10
or 3.11 and a Horovod that is compiled once TensorFlow is there, which ``launch/setup.sh`` does.
"""

import runpy
from pathlib import Path

from setuptools import find_packages, setup

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
CAMTF = Path(__file__).parent / "camtf"
VERSION = runpy.run_path(str(CAMTF / "version.py"))["VERSION"]
PROGRAMS = runpy.run_path(str(CAMTF / "console.py"))["PROGRAMS"]

# tflite-runtime has wheels for Linux and up to Python 3.11, compiled for NumPy 1; ai-edge-litert has them for all.
TFLITE_RUNTIME = "sys_platform == 'linux' and python_version < '3.12'"

EXTRAS = {
    # tf-keras asks for "tensorflow": with "tensorflow-cpu" pip would install both, one over the other.
    "train": [
        "tensorflow==2.18.*",
        "tensorboard==2.18.*",
        "keras>=3.5",
        "tensorflow-probability==0.25.*",
        "tf-keras==2.18.*",
        "horovod==0.28.1",
        "scipy",
    ],
    "mobile": [
        "ai-edge-litert",
        "fastjsonschema",
        f"tflite-runtime==2.14.0; {TFLITE_RUNTIME}",
        f"numpy<2; {TFLITE_RUNTIME}",
    ],
    "play": ["aiohttp>=3.10"],
    "film": ["pillow"],
    "figures": ["matplotlib"],
    "report": ["jinja2", "markupsafe", "matplotlib"],
    "gymnasium": ["gymnasium>=1.1"],
    "pettingzoo": ["pettingzoo", "gymnasium>=1.1"],
    "open_spiel": ["open_spiel"],
    "docs": ["mkdocs>=1.6,<2", "mkdocs-material>=9.6", "mkdocstrings[python]>=0.30"],
}
CHECKS = ["pytest", "pytest-xdist", "hypothesis", "packaging", "psutil", "mypy", "ruff"]
CHECKS += ["cvxpy", "networkx"]  # what OpenSpiel's own solvers import

setup(
    name="camtf",
    version=VERSION,
    description="Conditional policies for many characters, trained with Horovod and TensorFlow, exported to phones",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.10",
    packages=find_packages(include=["camtf", "camtf.*", "mobile", "mobile.*"]),
    package_data={
        "": ["*.toml", "*.html", "*.js", "*.json", "py.typed"],
        "camtf.play": ["page/*"],
        "mobile": ["cpp/*", "web/*"],
    },
    classifiers=["Typing :: Typed", *(f"Programming Language :: Python :: {version}" for version in PYTHONS)],
    entry_points={"console_scripts": [f"{name} = camtf.console:main" for name in PROGRAMS]},
    install_requires=["numpy>=1.26", "numba>=0.61", "absl-py", "tomli; python_version < '3.11'"],
    extras_require={**EXTRAS, "dev": [*CHECKS, *sorted({name for extra in EXTRAS.values() for name in extra})]},
)
