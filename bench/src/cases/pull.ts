import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { figuresOf, type Bench, type BenchCase } from '../case.js'
import { freshDisk } from '../fresh-disk.js'
import { interleave, type Subject } from '../measure.js'
import { pullPeers, pullsOfPeers } from '../pull-peers.js'
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
  {
    name: 'node-zstd',
    title: 'an image of 141,000 files in 3 layers of zstd, 0.9 GB of text',
    layers: 3,
    filesPerLayer: 47_000,
    fileSize: 6500,
    content: 'text',
    compression: 'zstd',
    factor: 0.75,
  },
]

/** More resident memory than so many MB, and a case is not met whatever its time. */
const mostMemory = 250

/**
 * Pull, verify and unpack from a registry on this machine, each time onto a new ext4.
 *
 * @param program - Our program, built.
 */
export function pullCases(program: string): readonly BenchCase[] {
  return images.map(({ title, factor, ...image }) => ({
    name: `pull-${image.name}`,
    title: `ctrjs pull of ${title}`,
    peers: pullPeers,
    programs: image.compression === 'zstd' ? ['zstd'] : [],
    async measure(bench) {
      const scale = bench.quick ? 10 : 1
      const scaled =
        image.filesPerLayer > 100
          ? { ...image, filesPerLayer: image.filesPerLayer / scale }
          : { ...image, fileSize: image.fileSize / scale }
      await using registry = await serve(program)
      const reference = `${registry.address}/bench/${image.name}:1`
      await pushSample(scaled, reference, bench.workshop.folder)
      const subjects = [ours(bench, program, reference), ...pullsOfPeers(bench, reference)]
      const plan = { rounds: bench.quick ? 2 : 4, burst: 1, signal: bench.signal }
      const figures = figuresOf(await interleave(subjects, plan))
      const peak = await peakMemory(bench, program, reference)
      return {
        unit: 'ms' as const,
        figures,
        target: { of: 'containerd', factor },
        holds: peak <= mostMemory,
        notes: [
          'each pull is onto an ext4 of its own, made in a file a moment before; the registry is a process of ours',
          'containerd is pulled from by its own client, which unpacks; docker and containerd have a new daemon on each new disk, whose start is not counted',
          `ctr takes ${Math.round(peak)} MB of memory at the most; ${mostMemory} MB may be`,
          ...(bench.quick ? ['a tenth of the size'] : []),
        ],
        details: { peakMemoryMb: peak },
      }
    },
  }))
}

function ours({ shell, workshop }: Bench, program: string, reference: string): Subject {
  const disk = `${workshop.folder}/disk`
  const pull = [process.execPath, program, ...pullArguments(disk, reference)].map(quoted).join(' ')
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

/** Most memory, in MB, that one more pull of ours comes to: resident, what it shares with others included. */
async function peakMemory(
  { workshop, shell, signal }: Bench,
  program: string,
  reference: string,
): Promise<number> {
  const disk = `${workshop.folder}/disk`
  await shell.time(freshDisk.make(disk, 8), 1)
  try {
    const child = spawn(process.execPath, [program, ...pullArguments(disk, reference)], {
      stdio: ['ignore', 'ignore', 'inherit'],
      signal,
    })
    const ended = once(child, 'exit') as Promise<[number | null]>
    let peak = 0
    while (child.exitCode === null && child.signalCode === null) {
      peak = Math.max(peak, peakOf(child.pid!))
      await Promise.race([ended, sleep(20)])
    }
    const [code] = await ended
    if (code !== 0) throw new Error(`cannot pull ${reference}: exit code ${String(code)}`)
    return peak
  } finally {
    await shell.time(freshDisk.remove(disk), 1)
  }
}

/** `VmHWM` of proc_pid_status(5) in MB; 0 once the process has ended. */
function peakOf(pid: number): number {
  try {
    const [, kib = '0'] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kib) / 1024
  } catch {
    return 0
  }
}

function pullArguments(disk: string, reference: string): string[] {
  return ['--root', `${disk}/root`, '--state', `${disk}/state`, 'pull', '-q', reference]
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
