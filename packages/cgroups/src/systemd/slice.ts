import { CgroupError } from '../errors.js'

/**
 * Where a slice is among cgroups: systemd nests slices by the dashes of their names, `a-b.slice` is in `a.slice`. Pure.
 *
 * @param slice - Name of the unit; `-.slice` is the root.
 * @returns Path from the top: `/a.slice/a-b.slice`, `/` for the root.
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`: no name of a slice.
 * @see {@link https://www.freedesktop.org/software/systemd/man/latest/systemd.slice.html}
 */
export function expandSlice(slice: string): string {
  checkUnitName(slice, 'slice')
  const name = slice.slice(0, -'.slice'.length)
  if (name === '-') return '/'
  const parts = name.split('-')
  if (parts.includes('')) throw invalid(slice, 'a slice has a name between its dashes')
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('-')}.slice`).join('')
}

/**
 * Throws unless systemd takes a name for a unit of a kind.
 *
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`.
 * @see {@link https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html}
 */
export function checkUnitName(name: string, kind: 'slice' | 'scope'): void {
  if (!name.endsWith(`.${kind}`) || name.length === kind.length + 1)
    throw invalid(name, `its name ends in .${kind}`)
  if (name.length > 255) throw invalid(name, 'its name has at most 255 characters')
  if (!/^[A-Za-z0-9:_.\\-]+$/.test(name))
    throw invalid(name, 'its name has letters, digits and : - _ . \\ only')
}

function invalid(name: string, why: string): CgroupError {
  return new CgroupError(
    'ERR_CGROUP_INVALID_ARG',
    `cannot use ${JSON.stringify(name.slice(0, 120))} as a unit of systemd: ${why}`,
  )
}
