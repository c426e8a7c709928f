import type { HierarchyMount } from '../host/hierarchy.js'

/** A group's folder in one hierarchy. */
export interface GroupFolder {
  readonly mount: HierarchyMount
  readonly folder: string
}

/** What the operations need to know of a group: its path, and its folder in every hierarchy that it is in. */
export interface Group {
  readonly path: string
  readonly folders: readonly GroupFolder[]
}

/** The group's folder in the hierarchy of `controller`. */
export function folderWith(group: Group, controller: string): GroupFolder | undefined {
  return group.folders.find(({ mount }) => mount.controllers.includes(controller))
}

/** The group's folder in the unified hierarchy, with or without controllers. */
export function unifiedFolder(group: Group): string | undefined {
  return group.folders.find(({ mount }) => mount.version === 2)?.folder
}
