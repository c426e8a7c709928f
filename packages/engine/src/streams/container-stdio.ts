import { existsSync, fchownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Duplex, Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Fd } from '@ctr/linux'
import type { TerminalStream } from '@ctr/runtime'
import { removeFolderIfThere } from '../state/remove-if-there.js'
import { makeFifo, openBothWays, openForReader, readFifo, writeFifo } from './fifo.js'
import type { OutputChunk, StreamName } from './frame.js'

/** Takes output; returns what to wait for before the next chunk. */
export type OnOutput = (chunk: OutputChunk) => Promise<unknown> | undefined

/** Our side of the standard streams of a container that runs. */
export interface ContainerStdio {
  /** Undefined when its input is closed. */
  readonly stdin: Writable | undefined
  readonly terminal: TerminalStream | undefined
  /** Closes its input: the program reads the end of it. */
  closeStdin(): void
  /** Resolves when everything that it has printed was given on. */
  readonly drained: Promise<void>
  close(): void
}

/** The container's ends of its streams, to be closed once it has them. */
export interface ContainerEnds extends Disposable {
  readonly stdin: Fd | undefined
  readonly stdout: Fd
  readonly stderr: Fd
}

/** The named pipes of a container, in a folder that outlives the daemon. */
export class Pipes {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * Makes the pipes, new ones for each run, and opens both ends of each.
   *
   * @param input - `ends`: the program reads the end of it once it is closed, or we are gone. `stays`: it never does.
   */
  open(
    {
      input,
      owner,
    }: {
      readonly input: 'none' | 'ends' | 'stays'
      readonly owner: { readonly uid: number; readonly gid: number }
    },
    onOutput: OnOutput,
  ): { readonly stdio: ContainerStdio; readonly ends: ContainerEnds } {
    this.remove()
    const hasInput = input !== 'none'
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    for (const name of [...(hasInput ? ['stdin'] : []), 'stdout', 'stderr']) makeFifo(this.#path(name))
    const stdout = openBothWays(this.#path('stdout'))
    const stderr = openBothWays(this.#path('stderr'))
    const stdio = this.reopen({ stdin: hasInput }, onOutput)
    const openInput = input === 'stays' ? openBothWays : openForReader
    const stdin = hasInput ? openInput(this.#path('stdin')) : undefined
    const ends = [stdin, stdout, stderr].filter((end) => end !== undefined)
    // the program may open its /dev/stdout anew
    for (const end of ends) fchownSync(end.number, owner.uid, owner.gid)
    const close = (): void => {
      for (const end of ends) end.close()
    }
    return { stdio, ends: { stdin, stdout, stderr, [Symbol.dispose]: close } }
  }

  /** Opens our ends, of a container that runs already. */
  reopen({ stdin }: { readonly stdin: boolean }, onOutput: OnOutput): ContainerStdio {
    const outputs = (['stdout', 'stderr'] as const).map((name) => [name, readFifo(this.#path(name))] as const)
    let input = stdin ? writeFifo(this.#path('stdin')) : undefined
    input?.on('error', () => undefined) // the program has gone
    const closeStdin = (): void => {
      input?.destroySoon()
      input = undefined
    }
    return {
      get stdin() {
        return input
      },
      terminal: undefined,
      closeStdin,
      drained: allRead(outputs, onOutput),
      close: () => {
        closeStdin()
        for (const [, output] of outputs) output.destroy()
      },
    }
  }

  /** Whether it was started on pipes. */
  get exist(): boolean {
    return existsSync(this.#path('stderr'))
  }

  /** Idempotent. */
  remove(): void {
    removeFolderIfThere(this.#folder)
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }
}

/** The same of a container on a terminal, which has one stream both ways. */
export function terminalStdio(terminal: TerminalStream, stdin: boolean, onOutput: OnOutput): ContainerStdio {
  return {
    stdin: stdin ? terminal : undefined,
    terminal,
    closeStdin: () => undefined, // a terminal has no end of its own: whoever types sends ^D
    drained: allRead([['stdout', terminal]], onOutput),
    close: () => terminal.destroy(),
  }
}

async function allRead(
  outputs: readonly (readonly [StreamName, Readable | Duplex])[],
  onOutput: OnOutput,
): Promise<void> {
  const ends = outputs.map(async ([stream, output]) => {
    output.on('data', (bytes: Buffer) => {
      const busy = onOutput({ stream, bytes })
      if (busy === undefined) return
      output.pause()
      void busy.finally(() => output.resume())
    })
    await finished(output, { writable: false }).catch(() => undefined)
  })
  await Promise.all(ends)
}
