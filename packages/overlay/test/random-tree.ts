import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  lsetxattr,
  makedev,
  mknodat,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  syscallOr,
  utimensat,
} from '@ctr/linux'

const capability = Buffer.from('0100000280200000000000000000000000000000', 'hex')
/** user::rw-, user:1000:r--, group::r--, mask::r--, other::r-- */
const list = Buffer.from(
  '0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000400ffffffff',
  'hex',
)

/** Makes random trees and changes them at random; the same seed does the same. */
export class RandomTree {
  #state: number

  readonly root: string

  constructor(root: string, seed: number) {
    this.root = root
    this.#state = seed
  }

  /** Makes so many files of all kinds. */
  fill(count: number): void {
    for (let index = 0; index < count; index += 1) this.#make()
  }

  /** Does so many changes of all kinds. */
  change(count: number): void {
    for (let index = 0; index < count; index += 1) {
      const path = this.#any()
      if (path === undefined || this.#chance(0.4)) this.#make()
      else if (this.#chance(0.3)) this.#replace(path)
      else this.#touch(path)
    }
  }

  /** Mulberry32: from 0 to below 1. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let value = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count)
  }

  #chance(part: number): boolean {
    return this.#random() < part
  }

  #one<T>(of: readonly T[]): T {
    return of[this.#below(of.length)]!
  }

  #name(): string {
    const names = ['a', 'b', 'c', 'd', 'é', 'ü 日本', `long-${'n'.repeat(150)}`, '.hidden', 'x\ny']
    return `${this.#one(names)}${this.#below(4)}`
  }

  /** Every path below the root. */
  #all(folder = this.root): string[] {
    return readdirSync(folder, { withFileTypes: true })
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((entry) => {
        const path = join(folder, entry.name)
        return entry.isDirectory() ? [path, ...this.#all(path)] : [path]
      })
  }

  #any(): string | undefined {
    const all = this.#all()
    return all.length === 0 ? undefined : this.#one(all)
  }

  #folder(): string {
    return this.#one([this.root, ...this.#all().filter((path) => lstatSync(path).isDirectory())])
  }

  #make(): void {
    const path = join(this.#folder(), this.#name())
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return
    this.#makeAt(path)
    this.#touch(path)
  }

  #makeAt(path: string): void {
    const files = this.#all().filter((other) => !lstatSync(other).isDirectory())
    const kinds: readonly (() => void)[] = [
      () => mkdirSync(path),
      () => mkdirSync(path),
      () => writeFileSync(path, 'x'.repeat(this.#below(2000))),
      () => writeFileSync(path, ''),
      () => symlinkSync(this.#one(['a', '/etc/passwd', 't'.repeat(120)]), path),
      () => mknodat(AT_FDCWD, path, S_IFIFO + 0o622),
      () => mknodat(AT_FDCWD, path, S_IFCHR + 0o660, makedev(1, this.#below(9) + 1)),
      () => mknodat(AT_FDCWD, path, S_IFBLK + 0o660, makedev(259, 70_000)),
      () => (files.length === 0 ? mkdirSync(path) : linkSync(this.#one(files), path)),
      () => this.#sparse(path),
    ]
    this.#one(kinds)()
  }

  #sparse(path: string): void {
    const fd = openSync(path, 'w')
    ftruncateSync(fd, 100_000)
    writeSync(fd, 'data', 50_000)
    closeSync(fd)
  }

  #replace(path: string): void {
    if (this.#chance(0.2)) {
      const to = join(this.#folder(), this.#name())
      try {
        renameSync(path, to)
      } catch (error) {
        // a folder of a lower layer, or into itself, or over something else
        const { code } = error as NodeJS.ErrnoException
        if (!['EXDEV', 'EINVAL', 'ENOTEMPTY', 'EISDIR', 'ENOTDIR', 'EEXIST'].includes(code ?? '')) throw error
      }
      return
    }
    rmSync(path, { recursive: true })
    if (this.#chance(0.5)) this.#makeAt(path)
  }

  #touch(path: string): void {
    const stat = lstatSync(path)
    const changes: (() => void)[] = [
      () => lchownSync(path, this.#below(3) * 1000, this.#below(3) * 70_000),
      () => this.#time(path),
      () => lutimesSync(path, 1000, 1000),
    ]
    if (!stat.isSymbolicLink()) {
      changes.push(() => chmodSync(path, this.#one([0o600, 0o755, 0o4755, 0o2711, 0o1777, 0])))
      changes.push(() => lsetxattr(path, 'system.posix_acl_access', list))
    }
    if (stat.isDirectory()) changes.push(() => lsetxattr(path, 'system.posix_acl_default', list))
    if (stat.isFile()) {
      changes.push(
        () => appendFileSync(path, 'more'),
        () => truncateSync(path, this.#below(100)),
        () => chownSync(path, 0, this.#below(100)),
        () => lsetxattr(path, 'security.capability', capability),
        () => closeSync(openSync(path, 'r+')), // copied up, and nothing more
      )
    }
    if (stat.isFile() || stat.isDirectory()) {
      changes.push(
        () => lsetxattr(path, `user.${this.#below(3)}`, Buffer.from([0, 255, 10, this.#below(200)])),
        () => void syscallOr(['ENODATA'], 'removexattr', path, `user.${this.#below(3)}`),
      )
    }
    for (let count = this.#below(4); count >= 0; count -= 1) this.#one(changes)()
    if (this.#chance(0.3)) this.#time(dirname(path))
  }

  #time(path: string): void {
    const mtimeNs = BigInt(this.#below(2 ** 31)) * 1_000_000_000n + BigInt(this.#below(1e9))
    utimensat(
      AT_FDCWD,
      path,
      { atimeNs: 0n, mtimeNs: this.#chance(0.1) ? -mtimeNs : mtimeNs },
      AT_SYMLINK_NOFOLLOW,
    )
  }
}
