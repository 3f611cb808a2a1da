/**
 * What runs on a host before the agent is there. The shell part finds a Python; the Python part is read from stdin, so that
 * no newline has to survive the login shell of the host. Both answer in lines that start with a mark: whatever a profile
 * prints around them is passed over.
 */

export const mark = '@loadline ';

/**
 * For `/bin/sh -c <this> sh <login: 0|1> <words for Python>`. With login 1 the PATH of a login shell is taken first: an
 * SSH server gives commands a bare one, without what the user's profile adds (conda, modules, CUDA). Prints the PATH and
 * each Python found, and becomes the first that is new enough; exit 3 where there is none.
 */
export const findPython = [
  'login=$1; shift;',
  'if [ "$login" = 1 ]; then',
  `  found=$("\${SHELL:-/bin/sh}" -l -c 'printf "\\n${mark}path %s${mark}end" "$PATH"' 2>/dev/null </dev/null);`,
  `  rest=\${found##*"${mark}path "};`,
  `  if [ "$rest" != "$found" ]; then PATH="\${rest%%"${mark}end"*}:$PATH"; export PATH; fi;`,
  'fi;',
  'for name in python3 python python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8; do',
  '  python=$(command -v "$name" 2>/dev/null) || continue;',
  `  version=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3]); sys.exit(sys.version_info < (3, 8))' 2>/dev/null </dev/null);`,
  '  fits=$?;',
  '  [ -n "$version" ] || continue;',
  `  printf '${mark}python %s %s\\n' "$version" "$python";`,
  '  if [ "$fits" = 0 ]; then',
  `    printf '${mark}path %s\\n' "$PATH";`,
  `    exec "$python" -I -c 'import sys; exec(sys.stdin.buffer.read(int(sys.argv[1])).decode())' "$@";`,
  '  fi;',
  'done;',
  'exit 3',
].join(' ');

/**
 * argv: length of this text, verb (`check`, `upload`), SHA-256 of the archive. `upload` reads the archive from
 * the rest of stdin. Answers one marked JSON object: {status: present | absent | unsafe | disk-full | damaged | failed}.
 */
export const deployAgent = `
import errno, hashlib, json, os, stat, sys

verb, sha256 = sys.argv[2], sys.argv[3]
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ARCHIVE = "loadline-agent.pyz"


def answer(status, **more):
    sys.stdout.write("\\n${mark}deploy " + json.dumps(dict(more, status=status)) + "\\n")
    sys.stdout.flush()
    sys.exit(0)


def own_folder(path, make):
    """The folder as a descriptor: ours alone, and no link. None where it is not there and is not to be made."""
    if make:
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            pass
    try:
        about = os.lstat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(about.st_mode):
        answer("unsafe", path=path, why="is a symbolic link")
    if not stat.S_ISDIR(about.st_mode):
        answer("unsafe", path=path, why="is not a folder")
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    about = os.fstat(folder)
    if about.st_uid != os.geteuid():
        answer("unsafe", path=path, why="belongs to user %d, not to you (%d)" % (about.st_uid, os.geteuid()))
    if stat.S_IMODE(about.st_mode) != 0o700:
        os.fchmod(folder, 0o700)
    return folder


def read_hash(folder):
    """SHA-256 of the archive in the folder; None where it is not there or not an ordinary file of ours."""
    try:
        file = os.open(ARCHIVE, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    except OSError:
        return None
    with open(file, "rb") as source:
        about = os.fstat(source.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid():
            return None
        return hashlib.sha256(source.read()).hexdigest()


def upload(folder):
    data = sys.stdin.buffer.read()
    if hashlib.sha256(data).hexdigest() != sha256:
        answer("damaged", bytes=len(data))
    temporary = ".%s.%d.part" % (ARCHIVE, os.getpid())
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    try:
        with open(file, "wb") as target:
            target.write(data)
            target.flush()
            os.fsync(target.fileno())
        os.rename(temporary, ARCHIVE, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)


cache = os.environ.get("XDG_CACHE_HOME", "")
home = os.path.join(cache if os.path.isabs(cache) else os.path.expanduser("~/.cache"), "loadline")
place = os.path.join(home, "agent-" + sha256[:16])
path = os.path.join(place, ARCHIVE)
try:
    os.umask(0o077)
    if verb == "upload":
        os.makedirs(os.path.dirname(home), exist_ok=True)
    outer = own_folder(home, verb == "upload")
    folder = own_folder(place, verb == "upload") if outer is not None else None
    if folder is not None and read_hash(folder) == sha256:
        answer("present", path=path)
    if verb == "check":
        answer("absent", path=path)
    upload(folder)
    answer("present" if read_hash(folder) == sha256 else "damaged", path=path)
except OSError as error:
    status = "disk-full" if error.errno in FULL else "failed"
    answer(status, path=path, why=error.strerror or str(error))
`;
