// What a snapshot's file is called: of which cluster, how far it goes, when it was made.

export interface SnapshotName {
  clusterId: string;
  revision: number;
  time: Date;
}

const FORM = /^([0-9a-f]{1,16})-r(\d{1,16})-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.db$/;

/** `CLUSTERID-rREVISION-YYYYMMDDTHHMMSSZ.db`: safe in a path and in a URL, and never the same for two snapshots that differ. */
export function formatSnapshotName({ clusterId, revision, time }: SnapshotName): string {
  return `${clusterId}-r${revision}-${time.toISOString().replaceAll(/[-:]|\.\d+/g, '')}.db`;
}

/** Undefined for a file that is not called as a snapshot: it is never shown, fetched or removed as one. */
export function parseSnapshotName(name: string): SnapshotName | undefined {
  const [, clusterId, revision, ...parts] = FORM.exec(name) ?? [];
  if (clusterId === undefined) return undefined;
  const [year, month, day, hour, minute, second] = parts;
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time.getTime()) ? undefined : { clusterId, revision: Number(revision), time };
}

/** The receipt that stands beside a snapshot. */
export function receiptName(snapshot: string): string {
  return `${snapshot.replace(/\.db$/, '')}.receipt.json`;
}
