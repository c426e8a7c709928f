// Makes a fresh clone ready: installs what npm brings and builds the packages. With --test, as root on Debian,
// also what only the tests use: real registries and clients, assemblers, tools to compare with.
//
//   node scripts/setup.mjs [--test]
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

/** Debian's packages that only tests use. */
const tools = [
  'acl',
  'apparmor',
  'attr',
  'binutils',
  'binutils-aarch64-linux-gnu',
  'bind9-dnsutils',
  'busybox-static',
  'containernetworking-plugins',
  'dbus',
  'dnsmasq-base',
  'docker-registry',
  'etcd-server',
  'firewalld',
  'fuse-overlayfs',
  'iproute2',
  'iptables',
  'iputils-ping',
  'nftables',
  'nginx-light',
  'passt',
  'postgresql',
  'prometheus',
  'python3-docker',
  'python3-seccomp',
  'qemu-user-static',
  'redis-server',
  'skopeo',
  'slirp4netns',
  'ufw',
  'uidmap',
  'umoci',
  'systemd',
  'xfsprogs',
]

/** Engines by their programs. Those that are there are used as they are: packages of others would be replaced. */
const engines = {
  buildah: 'buildah',
  catatonit: 'catatonit',
  containerd: 'containerd',
  docker: 'docker-cli',
  dockerd: 'docker.io',
  podman: 'podman',
}

installModules()
if (process.argv.includes('--test')) installTools()
run('npx', ['turbo', 'run', 'build', '--output-logs=errors-only'])

function installModules() {
  const stamp = 'node_modules/.package-lock.json'
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync('package-lock.json').mtimeMs) return
  // not `npm ci`: it refuses a lock file from a registry that lacks optional packages of other platforms
  run('npm', ['install', '--no-audit', '--no-fund'])
  // npm leaves the stamp's time as it is when nothing changed
  if (existsSync(stamp)) spawnSync('touch', [stamp])
}

function installTools() {
  if (process.platform !== 'linux' || spawnSync('dpkg', ['--version']).status !== 0) {
    console.log('tests that need Debian packages are skipped: this is no Debian')
    return
  }
  run('node', ['scripts/install-criu.mjs'])
  run('node', ['scripts/install-compose.mjs'])
  run('node', ['scripts/install-registry-clients.mjs'])
  const missing = [
    ...[...tools, ...(process.arch === 'x64' ? virtualMachines() : [])].filter((name) => !isInstalled(name)),
    ...Object.entries(engines).flatMap(([program, name]) => (isOnPath(program) ? [] : [name])),
  ]
  if (missing.length === 0) return
  if (process.getuid() !== 0) {
    console.log(`tests that need ${missing.join(', ')} are skipped: only root can install them`)
    return
  }
  // no service of theirs is to be started: tests start their own
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  run('apt-get', ['update', '-q'], env)
  run('apt-get', ['install', '-yq', '--no-install-recommends', ...missing], env)
}

/** What test/vm boots machines with. The program that shares folders is part of older releases of qemu. */
function virtualMachines() {
  const known = spawnSync('apt-cache', ['policy', 'virtiofsd'], { encoding: 'utf8' }).stdout ?? ''
  return ['qemu-system-x86', 'xz-utils', ...(/Candidate: \d/.test(known) ? ['virtiofsd'] : [])]
}

function isInstalled(name) {
  const query = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { encoding: 'utf8' })
  return query.stdout === 'installed'
}

function isOnPath(program) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']
  return folders.some((folder) => existsSync(`${folder}/${program}`))
}

function run(program, args, env = process.env) {
  try {
    execFileSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env })
  } catch (error) {
    console.error(`setup: ${program} ${args.join(' ')} failed with ${error.status ?? error.code}`)
    process.exit(1)
  }
}
