// What several pages show of officers, devices, labels and proposals.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, ask, type Schemas } from "../api/client";
import { useAct } from "../session/session";
import { Badge, type Tone } from "../ui/parts";
import { useTell } from "../ui/toasts";

export const userTones: Record<Schemas["UserState"], Tone> = { active: "good", suspended: "warn", locked: "bad", deactivated: "neutral" };
export const deviceTones: Record<Schemas["DeviceState"], Tone> = { pending: "warn", approved: "good", locked: "bad", revoked: "neutral", wiping: "bad", wiped: "neutral" };

export function useOrganisation() {
  const { i18n } = useTranslation();
  const query = useQuery({ queryKey: ["organisation"], queryFn: () => ask(api.GET("/organisation")), staleTime: 60_000 });
  return useMemo(() => {
    const hindi = i18n.language === "hi";
    const name = (one: { name: string; name_hi?: string } | undefined) => (one ? (hindi && one.name_hi) || one.name : undefined);
    const units = new Map(query.data?.units.map((unit) => [unit.unit_id, unit]));
    const designations = new Map(query.data?.designations.map((one) => [one.designation_id, one]));
    return {
      query,
      unit: (id: string | undefined) => name(id ? units.get(id) : undefined),
      designation: (id: string | undefined) => name(id ? designations.get(id) : undefined),
      units: query.data?.units ?? [],
      designations: query.data?.designations ?? [],
      name,
    };
  }, [query, i18n.language]);
}

export function useLabels() {
  const { i18n } = useTranslation();
  const query = useQuery({ queryKey: ["labels"], queryFn: () => ask(api.GET("/labels")), staleTime: 60_000 });
  const labels = query.data?.labels ?? [];
  const name = (id: string | undefined) => {
    const label = labels.find((one) => one.label === id);
    return label ? (i18n.language === "hi" ? label.name_hi : label.name) : id;
  };
  return { query, labels, name };
}

const labelTones: Record<string, Tone> = { grey: "neutral", blue: "neutral", green: "good", amber: "warn", red: "bad" };
export function LabelBadge(props: { id: string | undefined }) {
  const { labels, name } = useLabels();
  if (!props.id) return null;
  const colour = labels.find((one) => one.label === props.id)?.colour ?? "grey";
  return <Badge tone={labelTones[colour] ?? "neutral"}>{name(props.id)}</Badge>;
}

// Proposes, and leads to where it is approved.
export function usePropose() {
  const { t } = useTranslation();
  const tell = useTell();
  const go = useNavigate();
  return useAct((request: Schemas["ProposalRequest"]) => ask(api.POST("/proposals", { body: request })), {
    touches: ["proposals"],
    onDone: () => {
      tell(t("proposals.proposed"));
      void go("/proposals");
    },
  });
}

export const localpart = (userId: string) => userId.slice(1).split(":")[0] ?? userId;
