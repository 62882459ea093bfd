"""Packaging of camtf. Exact versions for development are in launch/requirements.txt; these are the ranges that work."""

from setuptools import find_packages, setup

LINUX_X86_64 = "sys_platform == 'linux' and platform_machine == 'x86_64'"

setup(
    name="camtf",
    version="0.1.0",
    description="Conditional policies for many characters, trained with Horovod and TensorFlow, exported to phones",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.10,<3.12",
    packages=find_packages(include=["camtf", "camtf.*", "mobile", "mobile.*"]),
    package_data={"camtf.games.duel.roster": ["*.toml"], "camtf.games.duel.viewer": ["*.html"], "mobile": ["*.json"]},
    install_requires=[
        f"tensorflow-cpu==2.18.*; {LINUX_X86_64}",
        "tensorflow==2.18.*; sys_platform != 'linux' or platform_machine != 'x86_64'",
        "keras>=3.5",
        "tensorflow-probability==0.25.*",
        "tf-keras==2.18.*",
        "horovod==0.28.1",
        "numpy>=1.26,<2",
        "scipy",
        "numba",
        "absl-py",
        "tomli; python_version < '3.11'",
    ],
    extras_require={
        "mobile": ["tflite-runtime==2.14.0", "ai-edge-litert", "fastjsonschema"],
        "film": ["pillow"],
        "figures": ["matplotlib"],
        "pettingzoo": ["pettingzoo", "gymnasium"],
        "open_spiel": ["open_spiel"],
        "test": ["pytest", "hypothesis", "ruff", "mypy"],
    },
)
