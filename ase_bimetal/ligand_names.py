"""Names in use for ligands, and what each means."""

from __future__ import annotations

from difflib import get_close_matches

#: Names in use for common ligands, each with the canonical SMILES of the free, protonated molecule.
LIGAND_NAMES: dict[str, str] = {
    # thiolates and selenolates: alkyl, aryl, of acids and biological molecules, with two sulfur atoms
    "SH": "S",
    "SMe": "CS",
    "SEt": "CCS",
    "SnPr": "CCCS",
    "SiPr": "CC(C)S",
    "SnBu": "CCCCS",
    "SiBu": "CC(C)CS",
    "StBu": "CC(C)(C)S",
    "SC5H11": "CCCCCS",
    "SC6H13": "CCCCCCS",
    "SC8H17": "CCCCCCCCS",
    "SC10H21": "CCCCCCCCCCS",
    "SC12H25": "CCCCCCCCCCCCS",
    "SC18H37": "CCCCCCCCCCCCCCCCCCS",
    "S-c-C5H9": "SC1CCCC1",
    "SCy": "SC1CCCCC1",
    "SAdm": "SC12CC3CC(CC(C3)C1)C2",
    "2-SAdm": "SC1C2CC3CC(C2)CC1C3",
    "SCH2Ph": "SCc1ccccc1",
    "SCH2PhtBu": "CC(C)(C)c1ccc(CS)cc1",
    "PET": "SCCc1ccccc1",
    "SPh": "Sc1ccccc1",
    "pMBT": "Cc1ccc(S)cc1",
    "mMBT": "Cc1cccc(S)c1",
    "oMBT": "Cc1ccccc1S",
    "SPhMe2": "Cc1ccc(S)c(C)c1",
    "3,5-DMBT": "Cc1cc(C)cc(S)c1",
    "TBBT": "CC(C)(C)c1ccc(S)cc1",
    "S(4-MeOPh)": "COc1ccc(S)cc1",
    "S(4-FPh)": "Fc1ccc(S)cc1",
    "S(4-ClPh)": "Sc1ccc(Cl)cc1",
    "SPh(CF3)2": "FC(F)(F)c1cc(S)cc(C(F)(F)F)c1",
    "1-SNap": "Sc1cccc2ccccc12",
    "2-SNap": "Sc1ccc2ccccc2c1",
    "SPy": "Sc1ccccn1",
    "pMBA": "O=C(O)c1ccc(S)cc1",
    "mMBA": "O=C(O)c1cccc(S)c1",
    "TGA": "O=C(O)CS",
    "MPA": "O=C(O)CCS",
    "MHA": "O=C(O)CCCCCS",
    "MUA": "O=C(O)CCCCCCCCCCS",
    "MSA": "O=C(O)CC(S)C(=O)O",
    "cysteine": "NC(CS)C(=O)O",
    "NAC": "CC(=O)NC(CS)C(=O)O",
    "glutathione": "NC(CCC(=O)NC(CS)C(=O)NCC(=O)O)C(=O)O",
    "captopril": "CC(CS)C(=O)N1CCCC1C(=O)O",
    "tiopronin": "CC(S)C(=O)NCC(=O)O",
    "penicillamine": "CC(C)(S)C(N)C(=O)O",
    "1,2-BDT": "[S-]c1ccccc1[S-]",
    "1,3-BDT": "[S-]c1cccc([S-])c1",
    "1,4-BDT": "[S-]c1ccc([S-])cc1",
    "edt": "[S-]CC[S-]",
    "pdt": "[S-]CCC[S-]",
    "tdt": "Cc1ccc([S-])c([S-])c1",
    "mnt": "N#CC([S-])=C([S-])C#N",
    "1,3-BDMT": "[S-]Cc1cccc(C[S-])c1",
    "DHLA": "O=C(O)CCCCC([S-])CC[S-]",
    "DMSA": "O=C(O)C([S-])C([S-])C(=O)O",
    # dithiocarbamates, a xanthate, dithio- and diselenophosphates: one anion over two donors
    "S2CNMe2": "CN(C)C(=S)S",
    "S2CNEt2": "CCN(CC)C(=S)S",
    "S2CNnPr2": "CCCN(CCC)C(=S)S",
    "S2CNnBu2": "CCCCN(CCCC)C(=S)S",
    "Bn2dtc": "S=C(S)N(Cc1ccccc1)Cc1ccccc1",
    "S2COEt": "CCOC(=S)S",
    "S2P(OEt)2": "CCOP(=S)(S)OCC",
    "S2P(OiPr)2": "CC(C)OP(=S)(S)OC(C)C",
    "Se2P(OEt)2": "CCOP(=[Se])([SeH])OCC",
    "Se2P(OiPr)2": "CC(C)OP(=[Se])([SeH])OC(C)C",
    "SeMe": "C[SeH]",
    "SeEt": "CC[SeH]",
    "SePh": "[SeH]c1ccccc1",
    "SeCH2CH2Ph": "[SeH]CCc1ccccc1",
    # phosphines and phosphites, with one phosphorus atom and with two
    "PH3": "P",
    "PMe3": "CP(C)C",
    "PEt3": "CCP(CC)CC",
    "PiPr3": "CC(C)P(C(C)C)C(C)C",
    "PnBu3": "CCCCP(CCCC)CCCC",
    "PtBu3": "CC(C)(C)P(C(C)(C)C)C(C)(C)C",
    "P(C8H17)3": "CCCCCCCCP(CCCCCCCC)CCCCCCCC",
    "PCy3": "C1CCC(P(C2CCCCC2)C2CCCCC2)CC1",
    "PPhMe2": "CP(C)c1ccccc1",
    "PPh2Me": "CP(c1ccccc1)c1ccccc1",
    "PPh2Et": "CCP(c1ccccc1)c1ccccc1",
    "PPh3": "c1ccc(P(c2ccccc2)c2ccccc2)cc1",
    "P(4-MePh)3": "Cc1ccc(P(c2ccc(C)cc2)c2ccc(C)cc2)cc1",
    "P(4-MeOPh)3": "COc1ccc(P(c2ccc(OC)cc2)c2ccc(OC)cc2)cc1",
    "P(4-FPh)3": "Fc1ccc(P(c2ccc(F)cc2)c2ccc(F)cc2)cc1",
    "P(4-ClPh)3": "Clc1ccc(P(c2ccc(Cl)cc2)c2ccc(Cl)cc2)cc1",
    "TPPMS": "O=S(=O)(O)c1cccc(P(c2ccccc2)c2ccccc2)c1",
    "P(OMe)3": "COP(OC)OC",
    "P(OPh)3": "c1ccc(OP(Oc2ccccc2)Oc2ccccc2)cc1",
    "dhpm": "PCP",
    "dmpm": "CP(C)CP(C)C",
    "dppm": "c1ccc(P(CP(c2ccccc2)c2ccccc2)c2ccccc2)cc1",
    "dppe": "c1ccc(P(CCP(c2ccccc2)c2ccccc2)c2ccccc2)cc1",
    "dppp": "c1ccc(P(CCCP(c2ccccc2)c2ccccc2)c2ccccc2)cc1",
    "dppb": "c1ccc(P(CCCCP(c2ccccc2)c2ccccc2)c2ccccc2)cc1",
    "dpppe": "c1ccc(P(CCCCCP(c2ccccc2)c2ccccc2)c2ccccc2)cc1",
    "dppbz": "c1ccc(P(c2ccccc2)c2ccccc2P(c2ccccc2)c2ccccc2)cc1",
    "dmpe": "CP(C)CCP(C)C",
    "BINAP": "c1ccc(P(c2ccccc2)c2ccc3ccccc3c2-c2c(P(c3ccccc3)c3ccccc3)ccc3ccccc23)cc1",
    # alkynyls, cyanide and cyclopentadienyls
    "C≡CH": "C#C",
    "C≡CMe": "C#CC",
    "C≡CnBu": "C#CCCCC",
    "C≡CtBu": "C#CC(C)(C)C",
    "C≡CCy": "C#CC1CCCCC1",
    "C≡CSiMe3": "C#C[Si](C)(C)C",
    "C≡CPh": "C#Cc1ccccc1",
    "C≡C(4-MePh)": "C#Cc1ccc(C)cc1",
    "C≡C(4-FPh)": "C#Cc1ccc(F)cc1",
    "C≡C(CF3)2Ph": "C#Cc1cc(C(F)(F)F)cc(C(F)(F)F)c1",
    "cyanide": "C#N",
    "Cp": "C1=CCC=C1",
    "CpMe": "CC1=CC=CC1",
    "Cp*": "CC1=C(C)C(C)C(C)=C1C",
    # halides and other groups that bind through sulfur or oxygen
    "F": "F",
    "Cl": "Cl",
    "Br": "Br",
    "I": "I",
    "thiocyanate": "N#CS",
    "acetate": "CC(=O)O",
    "trifluoroacetate": "O=C(O)C(F)(F)F",
    "nitrate": "O=[N+]([O-])O",
    # carbon monoxide, isocyanides, carbenes, nitrogen donors, thioethers
    "carbonyl": "[C-]#[O+]",
    "CNtBu": "[C-]#[N+]C(C)(C)C",
    "NHC": "CN1[C]N(C)C=C1",
    "IiPr": "CC(C)N1[C]N(C(C)C)C=C1",
    "IMes": "Cc1cc(C)c(N2[C]N(c3c(C)cc(C)cc3C)C=C2)c(C)c1",
    "IPr": "CC(C)c1cccc(C(C)C)c1N1[C]N(c2c(C(C)C)cccc2C(C)C)C=C1",
    "BIMe": "CN1[C]N(C)c2ccccc21",
    "BIiPr": "CC(C)N1[C]N(C(C)C)c2ccccc21",
    "BIBn": "[C]1N(Cc2ccccc2)c2ccccc2N1Cc1ccccc1",
    "NH3": "N",
    "pyridine": "c1ccncc1",
    "MeCN": "CC#N",
    "en": "NCCN",
    "bipy": "c1ccc(-c2ccccn2)nc1",
    "phen": "c1cnc2c(c1)ccc1cccnc12",
    "SMe2": "CSC",
}

#: Other names → the name in `LIGAND_NAMES`.
LIGAND_ALIASES: dict[str, str] = {
    "SCH3": "SMe", "SC2H5": "SEt", "SCH2CH3": "SEt", "SPr": "SnPr", "SC3H7": "SnPr", "SBu": "SnBu", "SC4H9": "SnBu",
    "SBut": "StBu", "SC(CH3)3": "StBu", "StertBu": "StBu", "SHex": "SC6H13", "SnHex": "SC6H13", "SOct": "SC8H17",
    "DDT": "SC12H25", "ODT": "SC18H37",
    "SC5H9": "S-c-C5H9", "ScC5H9": "S-c-C5H9", "CPT": "S-c-C5H9",
    "CHT": "SCy", "SC6H11": "SCy", "S-c-C6H11": "SCy", "ScC6H11": "SCy",
    "SAd": "SAdm", "1-SAdm": "SAdm", "1-SAd": "SAdm", "1-AdmS": "SAdm", "SC10H15": "SAdm", "2-SAd": "2-SAdm",
    "SBn": "SCH2Ph", "SBzl": "SCH2Ph", "SCH2C6H5": "SCH2Ph", "SCH2PhBut": "SCH2PhtBu", "TBBM": "SCH2PhtBu",
    "SC2H4Ph": "PET", "SCH2CH2Ph": "PET", "SEtPh": "PET", "SR(PET)": "PET",
    "SC6H5": "SPh", "SePET": "SeCH2CH2Ph", "SeC2H4Ph": "SeCH2CH2Ph", "SeC6H5": "SePh", "SeCH3": "SeMe",
    "SPhMe": "pMBT", "STol": "pMBT", "4-MBT": "pMBT", "S(4-MePh)": "pMBT", "SPh-p-CH3": "pMBT",
    "3-MBT": "mMBT", "2-MBT": "oMBT",
    "DMBT": "SPhMe2", "2,4-DMBT": "SPhMe2", "2,4-SPhMe2": "SPhMe2", "3,5-SPhMe2": "3,5-DMBT",
    "SPhtBu": "TBBT", "SPh-tBu": "TBBT", "4-tBuPhS": "TBBT", "S(4-tBuPh)": "TBBT",
    "SPhOMe": "S(4-MeOPh)", "SPhF": "S(4-FPh)", "SPhCl": "S(4-ClPh)", "3,5-(CF3)2SPh": "SPh(CF3)2",
    "S-2-Nap": "2-SNap", "S-1-Nap": "1-SNap", "2-SPy": "SPy",
    "4-MBA": "pMBA", "SPhCOOH": "pMBA", "SPhCO2H": "pMBA", "SC6H4COOH": "pMBA", "3-MBA": "mMBA",
    "dtc": "S2CNEt2", "Et2dtc": "S2CNEt2", "DDTC": "S2CNEt2", "Me2dtc": "S2CNMe2", "nPr2dtc": "S2CNnPr2",
    "S2CNPr2": "S2CNnPr2", "Bu2dtc": "S2CNnBu2", "S2CNBu2": "S2CNnBu2", "dtp": "S2P(OiPr)2",
    "dsep": "Se2P(OiPr)2", "m-BDMT": "1,3-BDMT",
    "Cys": "cysteine", "L-cysteine": "cysteine", "N-acetylcysteine": "NAC",
    "GSH": "glutathione", "SG": "glutathione", "GS": "glutathione", "L-glutathione": "glutathione",
    "Capt": "captopril", "Cap": "captopril",
    "PBu3": "PnBu3", "PBut3": "PtBu3", "TOP": "P(C8H17)3", "POct3": "P(C8H17)3",
    "PMe2Ph": "PPhMe2", "PMePh2": "PPh2Me", "PEtPh2": "PPh2Et", "TPP": "PPh3", "P(C6H5)3": "PPh3",
    "P(p-Tol)3": "P(4-MePh)3", "P(4-Tol)3": "P(4-MePh)3", "PFPh3": "P(4-FPh)3", "P(p-FPh)3": "P(4-FPh)3",
    "P(OCH3)3": "P(OMe)3",
    "DPPM": "dppm", "DPPE": "dppe", "DPPP": "dppp", "DPPB": "dppb", "dpppent": "dpppe", "DPPBz": "dppbz",
    "CCH": "C≡CH", "C2H": "C≡CH", "CCMe": "C≡CMe", "CCtBu": "C≡CtBu", "C2tBu": "C≡CtBu", "C≡CBut": "C≡CtBu",
    "C≡CC(CH3)3": "C≡CtBu", "CCPh": "C≡CPh", "C2Ph": "C≡CPh", "C≡CC6H5": "C≡CPh", "C≡CC6H11": "C≡CCy",
    "CCSiMe3": "C≡CSiMe3", "C≡CTMS": "C≡CSiMe3",
    "CpStar": "Cp*", "C5H5": "Cp", "C5Me5": "Cp*", "MeCp": "CpMe",
    "OAc": "acetate", "AcO": "acetate", "TFA": "trifluoroacetate", "O2CCF3": "trifluoroacetate", "NO3": "nitrate",
    "tBuNC": "CNtBu", "IMe": "NHC", "iPr2-bimy": "BIiPr", "Bn2-bimy": "BIBn", "Me2-bimy": "BIMe",
    "Py": "pyridine", "py": "pyridine", "CH3CN": "MeCN", "acetonitrile": "MeCN", "ammonia": "NH3",
    "ethylenediamine": "en", "bpy": "bipy", "2,2'-bipyridine": "bipy", "bipyridine": "bipy",
    "1,10-phenanthroline": "phen", "phenanthroline": "phen",
}  # fmt: skip

#: What names one thing to a chemist and spells another as a SMILES → what to write for the one and for the other.
AMBIGUOUS: dict[str, tuple[str, str]] = {
    "CO": ("carbon monoxide but spells methanol", "'carbonyl' or 'OC'"),
    "SCN": ("thiocyanate but spells aminomethanethiol", "'thiocyanate' (bound by S), 'N=C=S' (bound by N) or 'C(N)S'"),
    "NCS": (
        "isothiocyanate but spells aminomethanethiol",
        "'N=C=S' (bound by N), 'thiocyanate' (bound by S) or 'C(N)S'",
    ),
}

# Hyphens are a matter of taste: p-MBA, S-tBu, C≡C-Ph.
_WITHOUT_HYPHENS = {name.replace("-", ""): name for name in (*LIGAND_ALIASES, *LIGAND_NAMES)}


def smiles_of(text: str) -> str:
    """SMILES of a known name; any other text as it is.

    Examples
    --------
    >>> smiles_of("p-MBA"), smiles_of("GSH") == smiles_of("glutathione"), smiles_of("CCCCCCCS")
    ('O=C(O)c1ccc(S)cc1', True, 'CCCCCCCS')
    """
    name = text if text in LIGAND_NAMES or text in LIGAND_ALIASES else _WITHOUT_HYPHENS.get(text.replace("-", ""), text)
    return LIGAND_NAMES.get(LIGAND_ALIASES.get(name, name), text)


def did_you_mean(text: str) -> str:
    """Ask for the closest known name; empty when none is close.

    Examples
    --------
    >>> did_you_mean("glutathion"), did_you_mean("CCCC")
    (" (did you mean 'glutathione'?)", '')
    """
    names = {name.lower(): name for name in (*LIGAND_ALIASES, *LIGAND_NAMES, "hydride", "sulfide")}
    close = get_close_matches(text.lower(), names, n=1)
    return f" (did you mean {names[close[0]]!r}?)" if close else ""


__all__ = ["AMBIGUOUS", "LIGAND_ALIASES", "LIGAND_NAMES", "did_you_mean", "smiles_of"]
