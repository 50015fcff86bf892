// A procedure's file: an ordered list of states, which is the runbook.
import { join } from 'node:path';
import procedureSchema from '../../schemas/procedure.schema.json' with { type: 'json' };
import { type Attempt, fail, succeed } from '../failure.ts';
import { readDocument } from '../load/document.ts';
import { createSchemaChecker } from '../load/schema.ts';

export interface Procedure {
  /** `restore`: its file is states/procedures/restore.yaml. */
  name: string;
  description: string;
  steps: ProcedureStep[];
}

/** schemas/procedure.schema.json says what each field means. */
export interface ProcedureStep {
  title: string;
  apply: string;
  unless?: string;
  barrier: 'all' | 'quorum';
  about: 'all' | 'restored';
  pointOfNoReturn: boolean;
}

interface Written {
  description: string;
  steps: {
    title: string;
    apply: string;
    unless?: string;
    barrier?: 'all' | 'quorum';
    about?: 'all' | 'restored';
    point_of_no_return?: boolean;
  }[];
}

/** `directory`: of states; the operator's own cannot take the place of a procedure, whose every step is proved. */
export async function readProcedure(directory: string, name: string): Promise<Attempt<Procedure>> {
  const document = await readDocument(join(directory, 'procedures', `${name}.yaml`));
  if (!document.ok) return document;
  const { check } = createSchemaChecker();
  const failures = check(document.value, procedureSchema);
  if (failures.length > 0) return fail(...failures);
  const { description, steps } = document.value.data as unknown as Written;
  return succeed({
    name,
    description,
    steps: steps.map(
      ({ title, apply, unless, barrier = 'all', about = 'all', point_of_no_return: noReturn = false }) => ({
        title,
        apply,
        ...(unless === undefined ? {} : { unless }),
        barrier,
        about,
        pointOfNoReturn: noReturn,
      }),
    ),
  });
}
