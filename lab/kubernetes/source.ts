// Building programs of Kubernetes from Debian's source package, in a Debian that is thrown away afterwards.
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { aptMirror, privateApt } from '../apt.ts';
import { debootstrap, inChroot } from '../chroot.ts';
import { LabFailure } from '../failure.ts';
import { sh } from '../shell.ts';

export interface SourceBuild {
  /** What lines of progress begin with. */
  kind: string;
  suite: string;
  /** The source package. */
  source: string;
  /** Debian's packages that compile it. */
  toolchain: string[];
  /** Folders of cmd/ in the source. */
  commands: string[];
  tags: string[];
  /** Whether one of the commands serves the description of the API, which the source lacks. */
  describesApi: boolean;
}

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
version=$1 tags=$2 describes=$3; shift 3
cd /build && mkdir -p src/k8s.io programs
dpkg-source --no-check -x ./*.dsc src/k8s.io/kubernetes >/dev/null
cd src/k8s.io/kubernetes
${MAPS.trim()}
export GOPATH=/build GOCACHE=/build/cache GO111MODULE=off GOPROXY=off CGO_ENABLED=0
exec 2>&1
generator=./vendor/k8s.io/kube-openapi/cmd/openapi-gen
[ "$describes" = true ] || generator=
go list -tags "$tags" -deps -f '{{if .Stale}}to compile: {{.ImportPath}}{{end}}' $generator "$@"
if [ -n "$generator" ]; then
  nice go build -v -tags "$tags" -o /build/openapi-gen "$generator"
  marked=$(grep -rl --include='*.go' --exclude='*_test.go' '+k8s:openapi-gen=' pkg staging/src/k8s.io |
    grep -v -e /code-generator/ -e /sample- -e /testdata/ | xargs -n 1 dirname | sort -u |
    sed -e 's,^staging/src/,vendor/,' -e 's,^,k8s.io/kubernetes/,' | paste -s -d ,)
  nice /build/openapi-gen --input-dirs "$marked" --output-package k8s.io/kubernetes/pkg/generated/openapi \\
    --output-file-base zz_generated.openapi --report-filename /dev/null \\
    --go-header-file vendor/k8s.io/code-generator/hack/boilerplate.go.txt
fi
link="-s -w -X k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=v$version"
exec nice go build -v -tags "$tags" -ldflags "$link" -o /build/programs/ "$@"`;

/** Makes `folder` with the programs; `keep` takes what else is wanted out of the source. Returns what has been built. */
export async function buildFromSource(
  build: SourceBuild,
  folder: string,
  log: (line: string) => void,
  keep: (source: string) => void = () => {},
): Promise<string> {
  mkdirSync(folder);
  const root = join(folder, 'debian');
  const mirror = await aptMirror();
  await debootstrap(root, build.suite, mirror, build.toolchain);
  log(`${build.kind}: the compiler is there`);
  const version = await downloadSource(build, join(root, 'build'), join(folder, 'apt'), mirror);
  log(`${build.kind}: the source of ${version} is there`);
  await compile(build, root, version, log);
  for (const name of build.commands) renameSync(join(root, 'build/programs', name), join(folder, name));
  keep(join(root, 'build/src/k8s.io/kubernetes'));
  for (const name of ['debian', 'apt']) rmSync(join(folder, name), { recursive: true });
  return `${build.commands.join(', ')} ${version}`;
}

async function downloadSource(
  { suite, source }: SourceBuild,
  folder: string,
  apt: string,
  mirror: string,
): Promise<string> {
  const options = privateApt(apt, 'deb-src', mirror, [suite]);
  mkdirSync(folder);
  await sh`apt-get -qq ${options} update`;
  await sh({ cwd: folder })`apt-get -qq ${options} source --download-only ${source}`;
  const found = readdirSync(folder).map((name) => /(\d+\.\d+\.\d+)-[^_]*\.dsc$/.exec(name)?.[1]);
  const version = found.find((text) => text !== undefined);
  if (version) return version;
  throw new LabFailure(
    `Debian's source of ${source} has no version that can be read.`,
    `look at what is in ${folder}, and mend lab/kubernetes/source.ts`,
  );
}

async function compile(
  { kind, commands, tags, describesApi }: SourceBuild,
  root: string,
  version: string,
  log: (line: string) => void,
) {
  const packages = commands.map((name) => `./cmd/${name}`);
  const lines: string[] = [];
  let [all, said] = [0, performance.now()];
  try {
    const words = [version, tags.join(' '), String(describesApi)];
    for await (const line of inChroot(root, BUILD, ...words, ...packages)) {
      if (line.startsWith('to compile: ')) all += 1;
      else lines.push(line);
      if (performance.now() - said < 15_000) continue;
      said = performance.now();
      log(`${kind}: ${lines.length} of ${all} packages compiled`);
    }
  } catch {
    throw new LabFailure(
      `${commands.join(', ')} ${version} could not be compiled; the compiler said last:\n    ${lines.slice(-5).join('\n    ')}`,
      'see that 2 GB of memory and 3 GB of disk are free, then the same again',
    );
  }
}
