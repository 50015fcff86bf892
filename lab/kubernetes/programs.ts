import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { aptMirror, privateApt } from '../apt.ts';
import { ensureCached } from '../cache.ts';
import { debootstrap, inChroot } from '../chroot.ts';
import { LabFailure } from '../failure.ts';
import { sh } from '../shell.ts';

/** Debian has Kubernetes' source, and of its programs only kubectl: the others are built from it, with Debian's own Go. */
export const program = {
  /** Counts changes of how this file follows the recipe. */
  edition: 3,
  suite: 'bookworm',
  source: 'kubernetes',
  toolchain: ['golang-go', 'dpkg-dev'],
  /** Folders of cmd/ in the source. */
  commands: ['kubelet', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'],
  /** Scripts that need no compiler: folders of the source. */
  scripts: ['cluster/addons/addon-manager'],
  // Without the clients of cloud providers and of docker it compiles in a third of the time.
  tags: ['providerless', 'dockerless'],
};

// Its reflect2 calls mapiterinit as Go had it before 1.18: with a newer Go an API server that writes a map as JSON overwrites
// memory of its own and ends sooner or later (modern-go/reflect2#24). It gets the iterator that is expected now.
const MAPS = `
maps=vendor/github.com/modern-go/reflect2
sed -i -e 's/^func mapiterinit(.*$/func mapiterinit(rtype unsafe.Pointer, m unsafe.Pointer, it *hiter)/' \\
  -e 's,// rest fields are ignored,pointers [6]unsafe.Pointer; numbers [4]uintptr,' $maps/unsafe_link.go
sed -i 's/ mapiterinit(/ iterate(/' $maps/unsafe_map.go
echo 'func iterate(rtype, m unsafe.Pointer) *hiter { it := new(hiter); mapiterinit(rtype, m, it); return it }' >>$maps/unsafe_map.go
grep -q 'numbers .4.uintptr' $maps/unsafe_link.go && [ "$(grep -c 'iterate(' $maps/unsafe_map.go)" = 2 ]`;

// The source is older than Go's modules: it wants to lie in a GOPATH, and brings all it needs. Of what its makefile generates
// only one file is not there already: the description of the API, whose inputs carry a mark.
const BUILD = `
version=$1 tags=$2; shift 2
cd /build && mkdir -p src/k8s.io programs
dpkg-source --no-check -x ./*.dsc src/k8s.io/kubernetes >/dev/null
cd src/k8s.io/kubernetes
${MAPS.trim()}
export GOPATH=/build GOCACHE=/build/cache GO111MODULE=off GOPROXY=off CGO_ENABLED=0
exec 2>&1
generator=./vendor/k8s.io/kube-openapi/cmd/openapi-gen
go list -tags "$tags" -deps -f '{{if .Stale}}to compile: {{.ImportPath}}{{end}}' "$generator" "$@"
nice go build -v -tags "$tags" -o /build/openapi-gen "$generator"
marked=$(grep -rl --include='*.go' --exclude='*_test.go' '+k8s:openapi-gen=' pkg staging/src/k8s.io |
  grep -v -e /code-generator/ -e /sample- -e /testdata/ | xargs -n 1 dirname | sort -u |
  sed -e 's,^staging/src/,vendor/,' -e 's,^,k8s.io/kubernetes/,' | paste -s -d ,)
nice /build/openapi-gen --input-dirs "$marked" --output-package k8s.io/kubernetes/pkg/generated/openapi \
  --output-file-base zz_generated.openapi --report-filename /dev/null \
  --go-header-file vendor/k8s.io/code-generator/hack/boilerplate.go.txt
link="-s -w -X k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=v$version"
exec nice go build -v -tags "$tags" -ldflags "$link" -o /build/programs/ "$@"`;

/** The folder with the programs and scripts, built first if there is none for the recipe (four to six minutes on two cores). */
export async function ensurePrograms(log: (line: string) => void): Promise<string> {
  return ensureCached('kubernetes', program, log, async (folder) => {
    mkdirSync(folder);
    const root = join(folder, 'debian');
    const mirror = await aptMirror();
    await debootstrap(root, program.suite, mirror, program.toolchain);
    log('kubernetes: the compiler is there');
    const version = await downloadSource(join(root, 'build'), join(folder, 'apt'), mirror);
    log(`kubernetes: the source of ${version} is there`);
    await compile(root, version, log);
    for (const name of program.commands) renameSync(join(root, 'build/programs', name), join(folder, name));
    const source = join(root, 'build/src/k8s.io/kubernetes');
    for (const path of program.scripts) renameSync(join(source, path), join(folder, basename(path)));
    for (const name of ['debian', 'apt']) rmSync(join(folder, name), { recursive: true });
    return `${program.commands.join(', ')} ${version}`;
  });
}

async function downloadSource(folder: string, apt: string, mirror: string): Promise<string> {
  const options = privateApt(apt, 'deb-src', mirror, [program.suite]);
  mkdirSync(folder);
  await sh`apt-get -qq ${options} update`;
  await sh({ cwd: folder })`apt-get -qq ${options} source --download-only ${program.source}`;
  const found = readdirSync(folder).map((name) => /(\d+\.\d+\.\d+)-[^_]*\.dsc$/.exec(name)?.[1]);
  const version = found.find((text) => text !== undefined);
  if (version) return version;
  throw new LabFailure(
    `Debian's source of ${program.source} has no version that can be read.`,
    `look at what is in ${folder}, and mend lab/kubernetes/programs.ts`,
  );
}

async function compile(root: string, version: string, log: (line: string) => void) {
  const packages = program.commands.map((name) => `./cmd/${name}`);
  const lines: string[] = [];
  let [all, said] = [0, performance.now()];
  try {
    for await (const line of inChroot(root, BUILD, version, program.tags.join(' '), ...packages)) {
      if (line.startsWith('to compile: ')) all += 1;
      else lines.push(line);
      if (performance.now() - said < 15_000) continue;
      said = performance.now();
      log(`kubernetes: ${lines.length} of ${all} packages compiled`);
    }
  } catch {
    throw new LabFailure(
      `Kubernetes ${version} could not be compiled; the compiler said last:\n    ${lines.slice(-5).join('\n    ')}`,
      'see that 2 GB of memory and 3 GB of disk are free, then the same again',
    );
  }
}
