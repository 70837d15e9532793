export class Mock {
  constructor(options?: { officers?: number; devices?: number; entries?: number; unprovisioned?: boolean; stale?: boolean; now?: number });
  world: { [name: string]: any };
  audit: any[];
  calls: string[];
  credential: string | undefined;
  ceremony: any;
  fail: ((operationId: string) => string | undefined) | undefined;
  openSession(name: string, setup?: boolean): { cookie: string; session: unknown };
  handle(request: { method: string; url: string; headers: Record<string, string | undefined>; body: string }): Promise<{ status: number; json?: unknown; text?: string; headers: Record<string, string> }>;
}
