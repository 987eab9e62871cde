#!/bin/sh
# Installs exactly what is missing. Usage: scripts/setup.sh build|demo
# Quick and silent when nothing is missing: then no package manager is called.
set -u
purpose=${1:-build}

# What is needed, how to see that it is there, and its package on Debian/Ubuntu, Fedora, Arch.
needs='
compiler     gcc                     gcc               gcc
libc         libc6-dev               glibc-devel       glibc
cmake        cmake                   cmake             cmake
ninja        ninja-build             ninja-build       ninja
pkg-config   pkg-config              pkgconf           pkgconf
dnnl         libdnnl-dev             onednn-devel      onednn
openblas     libopenblas-openmp-dev  openblas-devel    openblas
libarchive   libarchive-dev          libarchive-devel  libarchive
libjpeg      libjpeg-dev             libjpeg-turbo-devel libjpeg-turbo
libpng       libpng-dev              libpng-devel      libpng
libwebp      libwebp-dev             libwebp-devel     libwebp
yaml-0.1     libyaml-dev             libyaml-devel     libyaml
jansson      libjansson-dev          jansson-devel     jansson
liblbfgs     liblbfgs-dev            liblbfgs-devel    liblbfgs
zlib         zlib1g-dev              zlib-devel        zlib
libutf8proc  libutf8proc-dev         utf8proc-devel    libutf8proc
libstemmer   libstemmer-dev          libstemmer-devel  snowball
cmocka       libcmocka-dev           libcmocka-devel   cmocka
'

have_header() {
    echo "#include <$1>" | "$compiler" -E -x c - >/dev/null 2>&1
}

# any FILES…: whether one of them is there
any() {
    for file; do
        [ -e "$file" ] && return 0
    done
    return 1
}

have() {
    case $1 in
    compiler) [ -n "$compiler" ] ;;
    libc) [ -n "$compiler" ] && have_header stdio.h ;;
    cmake | ninja | pkg-config) command -v "$1" >/dev/null 2>&1 ;;
    dnnl) [ -n "$compiler" ] && have_header dnnl.h ;;
    libstemmer) [ -n "$compiler" ] && have_header libstemmer.h ;;
    openblas) any /usr/lib/*/openblas-openmp/libopenblas.so /usr/lib*/libopenblas*.so \
        /usr/local/lib/libopenblas*.so ;;
    *) pkg-config --exists "$1" 2>/dev/null ;;
    esac
}

compiler=
for candidate in "${CC:-}" gcc cc clang; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1; then
        compiler=$candidate
        break
    fi
done

# Missing packages, one column a family of systems.
debian='' fedora='' arch=''
while read -r need on_debian on_fedora on_arch; do
    [ -n "$need" ] || continue
    have "$need" && continue
    debian="$debian $on_debian" fedora="$fedora $on_fedora" arch="$arch $on_arch"
done <<END
$needs
END

pictures=
if [ "$purpose" = demo ] && [ ! -e /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ]; then
    pictures=dataset-fashion-mnist
fi
[ -n "$debian$pictures" ] || exit 0

say() {
    echo "setup: $*" >&2
}

if ! command -v apt-get >/dev/null 2>&1; then
    [ -n "$debian" ] || exit 0 # only the pictures are missing; the demo generates others
    say "these are missing; install them with the package manager of this system:"
    if command -v dnf >/dev/null 2>&1; then
        echo "  dnf install$fedora" >&2
    elif command -v pacman >/dev/null 2>&1; then
        echo "  pacman -S$arch" >&2
    else
        echo "  Debian, Ubuntu: $debian" >&2
        echo "  Fedora:         $fedora" >&2
        echo "  Arch:           $arch" >&2
    fi
    exit 5
fi

as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    if ! command -v sudo >/dev/null 2>&1; then
        say "not root and no sudo. As root, run:"
        echo "  apt-get update && apt-get install --no-install-recommends$debian $pictures" >&2
        [ -n "$debian" ] && exit 5
        exit 0
    fi
fi

export DEBIAN_FRONTEND=noninteractive
updated=
install() {
    if [ -z "$updated" ]; then
        updated=yes
        $as_root apt-get -q update >/dev/null || say "could not read all package lists; trying anyway"
    fi
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install -y --no-install-recommends "$@" >/dev/null
}

if [ -n "$debian" ]; then
    say "installing$debian"
    # shellcheck disable=SC2086 # a list of packages
    install $debian || { say "apt-get could not install them (its message is above)"; exit 5; }
fi
if [ -n "$pictures" ]; then
    say "installing $pictures (70,000 real pictures, 30 MB)"
    install "$pictures" || say "$pictures cannot be had here; the demo will generate pictures instead"
fi
exit 0
