import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { figuresOf, type Bench, type BenchCase } from '../case.js'
import { freshDisk } from '../fresh-disk.js'
import { interleave, type Subject } from '../measure.js'
import { pushSample, type SampleImage } from '../sample-images.js'
import { quoted } from '../timing-shell.js'

const images: readonly (SampleImage & { readonly title: string; readonly factor: number })[] = [
  {
    name: 'python',
    title: 'an image of 26,000 files in 4 layers, 1 GB of text',
    layers: 4,
    filesPerLayer: 6500,
    fileSize: 40_000,
    content: 'text',
    factor: 0.55,
  },
  {
    name: 'small-files',
    title: 'one layer of 51,000 small files',
    layers: 1,
    filesPerLayer: 51_000,
    fileSize: 1200,
    content: 'text',
    factor: 0.6,
  },
  {
    name: 'random',
    title: '1 GB of random data in 10 files',
    layers: 1,
    filesPerLayer: 10,
    fileSize: 100_000_000,
    content: 'random',
    factor: 0.6,
  },
]

/**
 * Pull, verify and unpack from a registry on this machine, each time onto a new ext4.
 *
 * @param program - Our program, built.
 */
export function pullCases(program: string): readonly BenchCase[] {
  return images.map(({ title, factor, ...image }) => ({
    name: `pull-${image.name}`,
    title: `ctrjs pull of ${title}`,
    peers: ['containerd', 'podman'],
    async measure(bench) {
      const scale = bench.quick ? 10 : 1
      const scaled =
        image.filesPerLayer > 100
          ? { ...image, filesPerLayer: image.filesPerLayer / scale }
          : { ...image, fileSize: image.fileSize / scale }
      await using registry = await serve(program)
      const reference = `${registry.address}/bench/${image.name}:1`
      await pushSample(scaled, reference, bench.workshop.folder)
      const subjects = [ours(bench, program, reference), ...theirs(bench, reference)]
      const plan = { rounds: bench.quick ? 2 : 4, burst: 1, signal: bench.signal }
      return {
        unit: 'ms' as const,
        figures: figuresOf(await interleave(subjects, plan)),
        target: { of: 'containerd', factor },
        notes: [
          'each pull is onto an ext4 of its own, made in a file a moment before; the registry is a process of ours',
          'containerd is pulled from by its own client, which unpacks; docker is left out: it cannot be given a new disk for each round without a new daemon',
          ...(bench.quick ? ['a tenth of the size'] : []),
        ],
      }
    },
  }))
}

function ours({ shell, workshop }: Bench, program: string, reference: string): Subject {
  const disk = `${workshop.folder}/disk`
  const flags = `--root ${disk}/root --state ${disk}/state`
  const pull = `${quoted(process.execPath)} ${quoted(program)} ${flags} pull -q ${reference}`
  return {
    name: 'ctr',
    async run() {
      await shell.time(freshDisk.make(disk, 8), 1)
      try {
        return await shell.time(pull, 1)
      } finally {
        await shell.time(freshDisk.remove(disk), 1)
      }
    },
  }
}

function theirs({ peers }: Bench, reference: string): Subject[] {
  const disk = `/var/tmp/${peers.mark}`
  const client = `ctr -a ${disk}/run.sock`
  const wait = `for i in $(seq 100); do ${client} version >/dev/null 2>&1 && break; sleep 0.1; done`
  const told = {
    containerd: {
      begin: `{ containerd --root ${disk}/root --state ${disk}/state --address ${disk}/run.sock -l fatal >/dev/null 2>&1 & echo $! >${disk}.pid; ${wait}; }`,
      pull: `${client} images pull --plain-http ${reference}`,
      end: `{ kill $(cat ${disk}.pid); while kill -0 $(cat ${disk}.pid) 2>/dev/null; do sleep 0.1; done; rm ${disk}.pid; }`,
    },
    podman: {
      begin: 'true',
      pull: `podman --root ${disk}/root --runroot ${disk}/run pull -q --tls-verify=false ${reference}`,
      // its storage is a mount of its own
      end: `{ umount ${disk}/root/overlay 2>/dev/null || true; }`,
    },
  }
  return (['containerd', 'podman'] as const)
    .filter((name) => peers.has(name))
    .map((name) => ({
      name,
      async run() {
        const { begin, pull, end } = told[name]
        await peers.shell.time(`{ ${freshDisk.make(disk, 8)} && ${begin}; }`, 1)
        try {
          return await peers.shell.time(pull, 1)
        } finally {
          await peers.shell.time(`{ ${end}; ${freshDisk.remove(disk)}; }`, 1)
        }
      },
    }))
}

/** A registry in a process of its own, so that it takes nobody's thread. */
async function serve(program: string): Promise<{ readonly address: string } & AsyncDisposable> {
  const child = spawn(process.execPath, [program, 'registry', 'serve', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  return {
    address: line.replace(/^.* /, ''),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
