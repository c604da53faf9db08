"""Both extensions in one distribution: the Cython request path and the Rust core."""

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools_rust import Binding, RustExtension

setup(
    ext_modules=cythonize(
        [Extension("neocortex.http._http", ["python/neocortex/http/_http.pyx"], extra_compile_args=["-O2"])],
        build_dir="build/cython",
        language_level=3,
    ),
    rust_extensions=[
        RustExtension(
            "neocortex._native",
            path="native/crates/py/Cargo.toml",
            binding=Binding.PyO3,
            args=["--locked"],
            debug=False,
        )
    ],
    zip_safe=False,
)
