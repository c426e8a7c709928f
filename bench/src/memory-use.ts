import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Where a machine's memory is, in KiB. */
export interface MachineMemory {
  /** What can still be given out without swapping (`MemAvailable` of proc_meminfo(5)). */
  readonly available: number
  /** What the kernel holds and cannot give back: structures, page tables, stacks, per-processor parts. */
  readonly kernel: number
}

/** Reads what is free once it has settled: the median of several looks. */
export async function machineMemory(): Promise<MachineMemory> {
  await sleep(1500)
  const looks: MachineMemory[] = []
  for (let n = 0; n < 5; n++) {
    const values = fields(readFileSync('/proc/meminfo', 'utf8'))
    const kernel = ['SUnreclaim', 'PageTables', 'KernelStack', 'Percpu'].map((name) => values.get(name) ?? 0)
    looks.push({
      available: values.get('MemAvailable') ?? 0,
      kernel: kernel.reduce((sum, one) => sum + one, 0),
    })
    await sleep(300)
  }
  looks.sort((a, b) => a.available - b.available)
  return looks[2]!
}

/**
 * Memory of processes in KiB, what they share divided among those who share it (`Pss` of
 * `/proc/PID/smaps_rollup`). Processes that have ended count nothing.
 */
export function proportionalMemory(pids: Iterable<number>): number {
  let sum = 0
  for (const pid of pids) {
    try {
      sum += fields(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')).get('Pss') ?? 0
    } catch {
      // it has ended
    }
  }
  return sum
}

/** What the kernel holds for a process with one thread in KiB: page tables (`VmPTE` of proc_pid_status(5)), its stack. */
export function kernelMemory(pid: number): number {
  return (fields(readFileSync(`/proc/${pid}/status`, 'utf8')).get('VmPTE') ?? 0) + kernelStack
}

/** KiB of a thread's kernel stack on x86-64 and arm64. */
const kernelStack = 16

/** Ids of the processes whose program has one of these names. */
export function processesNamed(pattern: RegExp): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const [program = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return pattern.test(program.slice(program.lastIndexOf('/') + 1))
      } catch {
        return false // it has ended
      }
    })
}

/** Lines of `Name:   123 kB`. */
function fields(text: string): ReadonlyMap<string, number> {
  return new Map([...text.matchAll(/^([\w()]+):\s+(\d+)/gm)].map(([, name, value]) => [name!, Number(value)]))
}
