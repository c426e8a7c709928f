import { closeSync } from 'node:fs'
import { readFiles, type FileRead } from '@ctr/linux'
import type { GroupFolder } from '../group/group.js'
import { openFile, textOf, type StatsSource } from './source.js'

/** A file that was asked for. */
interface AskedFile {
  readonly folder: string
  readonly file: string
  /** `undefined` when there is no such file. */
  readonly open: OpenFile | undefined
}

/** A file that stays open. */
interface OpenFile extends FileRead {
  /** More bytes than the file had so far. */
  room: number
  /** What the last {@link KeptSource.refresh} has read; `undefined` when the file has to be read by itself. */
  text: string | undefined
}

/** Keeps files open from the first time that they are read, and reads all of them in one step from then on. */
export class KeptSource implements StatsSource {
  readonly #asked: AskedFile[] = []
  readonly #open: OpenFile[] = []
  /** Where the file is that is probably asked for next: they are asked for in the same order every time. */
  #next = 0

  /** Reads all files that are open. */
  refresh(): void {
    this.#next = 0
    if (this.#open.length === 0) return
    const texts = readFiles(this.#open)
    for (let index = 0; index < texts.length; index++) this.#open[index]!.text = texts[index]
  }

  read({ folder }: GroupFolder, file: string): string | undefined {
    const { open } = this.#find(folder, file) ?? this.#ask(folder, file)
    if (open === undefined || open.text !== undefined) return open?.text
    const text = textOf(open.fd, `${folder}/${file}`)
    if (text !== undefined) open.room = text.length * 2 + 64 // numbers grow
    return text
  }

  close(): void {
    for (const { fd } of this.#open) closeSync(fd)
    this.#open.length = 0
    this.#asked.length = 0
  }

  #find(folder: string, file: string): AskedFile | undefined {
    const is = (asked: AskedFile | undefined): boolean => asked?.file === file && asked.folder === folder
    const index = is(this.#asked[this.#next]) ? this.#next : this.#asked.findIndex(is)
    if (index < 0) return undefined
    this.#next = index + 1
    return this.#asked[index]
  }

  #ask(folder: string, file: string): AskedFile {
    const fd = openFile(`${folder}/${file}`)
    const open = fd === undefined ? undefined : { fd, room: 64, text: undefined }
    if (open) this.#open.push(open)
    const asked = { folder, file, open }
    this.#asked.push(asked)
    return asked
  }
}
